"""Files of the project that containers mount: each release sees its own, and what was written is not lost."""

from __future__ import annotations

import json
from pathlib import Path

from box import Box
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

UNDER = "its files change under it already when the code is checked out"


def _release(project: Stack, number: int, script: str) -> None:
    """A further release in the project's origin: what a script makes of the last one."""
    name, made = project.name, f"{project.name}.made"
    project.box.sh(
        f"cd; git clone -q {name}.git {made}; cd {made}; {script}; git add .; "
        f"git -c user.name=t -c user.email=t@example.org commit -qm v{number}; git tag v{number}; "
        f"git push -q origin main v{number}; cd; rm -rf {made}"
    )


def _trees(project: Stack) -> list[str]:
    """What the releases that have files for themselves show of the site, oldest first."""
    return project.box.sh(f"cat {project.directory}/.schedgen/releases/*/tree/public/a").split()


def _plan(project: Stack, branch: str) -> str:
    """What the plan of a deploy says, each text whole."""
    return json.dumps(project.op.document("deploy.plan", "--branch", branch))


def test_visitors_see_the_files_of_one_release(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    door = "http=127.0.0.1:8128/"
    with stack("site", lab, empty_host, tmp_path) as site:
        site.deploy("v1")
        assert UNDER not in _plan(site, "v2").partition("notes")[0]
        first = site.inside("web", "hostname")
        with site.visitors(door, door, door, door) as ended:
            site.deploy("v2")
            seen = ended()[door]
        assert {*seen} == {"1 1", "2 2"}, seen
        assert _trees(site) == ["1", "2"]
        # What is wrong with a release, its files are seen by nobody, nor are they left.
        _release(site, 3, "echo 3 > public/a; echo 3 > public/b; touch public/broken")
        with site.visitors(door, door) as ended:
            ran = site.op("deploy", "--branch", "v3")
            assert ran.code == 4, ran.output
            seen = ended()[door]
        assert {*seen} == {"2 2"}, seen
        assert _trees(site) == ["1", "2"]
        # Wherever the work tree is, and whoever starts them: containers have the files of their release.
        empty_host.sh(f"cd {site.directory}; git fetch -q origin; git checkout -q v3")
        second = site.inside("web", "hostname")
        assert second != first
        assert site.op("ops.restart", "web", "--yes").code == 0
        assert site.inside("web", "cat", "/srv/public/a").strip() == "2"
        ran = site.op("emergency.recover", "--yes")
        assert ran.code == 0, ran.output
        assert site.inside("web", "cat", "/srv/public/a").strip() == "2"
        second = site.inside("web", "hostname")
        empty_host.sh(f"cd {site.directory}; git checkout -q v2")
        # One that a release does not change goes on with the files that it has.
        _release(site, 4, "git rm -q public/broken; echo 2 > public/a; echo 2 > public/b; echo 4 > other")
        site.deploy("v4")
        assert site.inside("web", "hostname") == second
        assert site.inside("web", "cat", "/srv/public/a").strip() == "2"
        with site.visitors(door, door) as ended:
            for target in ("v2", "v1"):
                back = site.op("rollback", "--yes")
                assert back.code == 0, (target, back.output)
            seen = ended()[door]
        assert {*seen} == {"2 2", "1 1"}, seen
        assert site.inside("web", "cat", "/srv/public/a").strip() == "1"


def test_what_a_container_wrote_is_not_lost(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("site", lab, empty_host, tmp_path) as site:
        site.by_hand("up", "--detach")
        plan = _plan(site, "v1")
        assert UNDER not in plan
        site.deploy("v1")
        # The site is that of its owner's containers still, in the work tree.
        plan = _plan(site, "v2")
        assert plan.count(f"{UNDER}, this once") == 2, plan
        site.deploy("v2")
        site.inside("notes", "sh -c 'echo kept > /srv/public/note'")
        _release(site, 3, "echo 3 > notes/a; echo 3 > public/a")
        ran = site.op("deploy", "--branch", "v3")
        assert ran.code == 3, ran.output
        assert "notes/note" in ran.output
        assert "release.in_place" in ran.output
        assert "notes/note" in _plan(site, "v3")
        tree = f"{site.directory}/.schedgen/releases/*/tree"
        empty_host.sh(f"cp {tree}/notes/note {site.directory}/notes/")
        assert "wrote into the files" not in _plan(site, "v3")
        site.deploy("v3")
        assert site.inside("notes", "cat", "/srv/public/note").strip() == "kept"
        assert site.inside("notes", "cat", "/srv/public/a").strip() == "3"
        assert site.inside("web", "cat", "/srv/public/a").strip() == "3"
        # It is mounted from there from now on, back as well.
        site.inside("notes", "sh -c 'echo more > /srv/public/note'")
        back = site.op("rollback", "--yes")
        assert back.code == 0, back.output
        assert site.inside("notes", "cat", "/srv/public/note").strip() == "more"
        assert site.inside("notes", "cat", "/srv/public/a").strip() == "2"
        assert site.inside("web", "cat", "/srv/public/a").strip() == "2"
        plan = _plan(site, "v3")
        assert f"{UNDER}, and later: notes/note is not as git has it" in plan, plan


def test_the_whole_project_is_mounted(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    empty_host.sh("docker network create edge")
    with stack("source", lab, empty_host, tmp_path) as source:
        empty_host.sh(f"rm {source.directory}/env")
        source.by_hand("up", "--detach")
        assert f"{UNDER}, this once" in _plan(source, "v2")
        with source.visitors("http=127.0.0.1:8123") as ended:
            source.deploy("v2")
            _release(source, 3, "echo 3 > web/version")
            assert UNDER not in _plan(source, "v3")
            source.deploy("v3")
            for service in ("web", "worker"):
                assert source.inside(service, "cat", "/app/web/version").strip() == "3"
                assert "NAME=source-" in source.inside(service, "cat", "/app/.env")
            back = source.op("rollback", "--yes")
            assert back.code == 0, back.output
            seen = ended()["http=127.0.0.1:8123"]
        assert {*seen} == {"source-1", "source-2", "source-3"}, seen
        assert source.inside("worker", "cat", "/app/web/version").strip() == "2"
