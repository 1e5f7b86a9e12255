"""Mounted files copied for a release, looked at and removed, by the scripts that do so, on a repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit import bash, commit, git, path, program

from schedgen_ops.commands import own_files
from schedgen_ops.commands.compose import Compose, parse_resolved
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.git import checkout, tree_ids
from schedgen_ops.commands.own_files import Tracked, parse_tracked, parse_written
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.remote import Result
from schedgen_ops.rollout import plan

BINARY = Path(sys.executable).parent / "docker-compose"
IGNORED = ".schedgen\n.env\nbackups\n*.log\n"


class Project:
    """A project below the top of its repository, and what a host would be told to do there."""

    def __init__(self, top: Path) -> None:
        self.top, self.here = top, top / "app"
        git(top, "init", "--quiet")
        self.first = commit(
            top,
            "1",
            app___dot_gitignore=IGNORED,
            app__public__a="1",
            app__public__deep__b="1",
            app__x="1",
            shared__s="1",
        )
        (self.here / "public/run").write_text("#!/bin/sh\n")
        (self.here / "public/run").chmod(0o750)
        (self.here / "public/link").symlink_to("a")
        self.second = commit(top, "2", app__public__a="22")
        os.utime(self.here / "public/a", (1_000_000_000, 1_000_000_000))

    def release(self, name: str) -> Path:
        return self.here / ".schedgen/releases" / name

    def told(self, *paths: str, at: str = "", env: str = "") -> Tracked:
        done = bash(tree_ids(at or self.second, paths, env), self.here)
        assert done.ok, done.stderr
        return parse_tracked(done.stdout)

    def make(
        self, name: str, *paths: str, at: str = "", extra: str = "", points: tuple[tuple[str, str], ...] = ()
    ) -> Result:
        folder = str(self.release(name))
        command = own_files.make(str(self.here), folder, at or self.second, paths, extra, points)
        return bash(command, self.top)

    def written(self, *names: str) -> dict[str, tuple[str, ...]]:
        done = bash(own_files.written(str(self.here), [str(self.release(n)) for n in names]), self.top)
        assert done.ok, done.stderr
        return parse_written(done.stdout)

    def remove(
        self, *names: str, mounted: str = "", keep: tuple[str, ...] = ()
    ) -> dict[str, tuple[str, ...]]:
        says = f'case $1 in ps) echo 1 ;; inspect) printf "%s\\n" /etc "{mounted}" ;; esac'
        docker = program(self.top.parent / "bin", "docker", says)
        folder = str(self.release("x").parent)
        command = own_files.remove(str(self.here), ("docker",), folder, names, keep)
        done = bash(command, self.top, PATH=path(docker.parent))
        assert done.ok, done.stderr
        return parse_written(done.stdout)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "repository").mkdir()
    return Project(tmp_path / "repository")


def test_a_copy_is_as_the_work_tree_is_with_its_modes_times_and_links(project: Project) -> None:
    assert project.make("r2", "public", "../shared").ok
    tree = project.release("r2") / "tree"
    made = sorted(str(each.relative_to(tree)) for each in tree.rglob("*") if not each.is_dir())
    assert made == ["app/public/a", "app/public/deep/b", "app/public/link", "app/public/run", "shared/s"]
    for name in made:
        ours, theirs = (tree / name).lstat(), (project.top / name).lstat()
        assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns)
    assert (tree / "app/public").stat().st_mode == (project.here / "public").stat().st_mode
    assert (tree / "app/public/link").readlink() == Path("a")
    # What is checked out later changes nothing of it, and git is left with nothing of it.
    before = git(project.top, "worktree", "list")
    assert bash(checkout(project.first), project.here).ok
    assert (tree / "app/public/a").read_text() == "22"
    assert git(project.top, "status", "--porcelain") == ""
    assert len(before.splitlines()) == 1


def test_the_whole_project_comes_with_its_env_file_and_without_what_is_ours(project: Project) -> None:
    env = project.here / ".env"
    env.write_text("A=1\n")
    env.chmod(0o600)
    (project.here / "backups").mkdir()
    points = (("app/node_modules", ""), ("app/etc/my.conf", str(project.here / "x")))
    assert project.make("r2", ".", extra=".env", points=points).ok
    tree = project.release("r2") / "tree"
    names = {".env", ".gitignore", "public", "x", "node_modules", "etc"}
    assert {each.name for each in (tree / "app").iterdir()} == names
    assert (tree / "app/.env").stat().st_mode & 0o777 == 0o600
    assert (tree / "app/node_modules").is_dir()
    assert (tree / "app/etc/my.conf").is_file()
    # It is a part of what is mounted: another one is a change.
    assert project.told(".", env=".env").ids != project.told(".").ids
    before = project.told(".", "public", env=str(env))
    assert before.ids["."].startswith(project.told(".").ids["."])
    env.write_text("A=2\n")
    after = project.told(".", "public", env=".env")
    assert after.ids["."] != before.ids["."]
    assert after.ids["public"] == before.ids["public"]


def test_a_place_in_a_link_that_leads_out_is_not_made(project: Project) -> None:
    (project.here / "out").symlink_to(project.top.parent)
    here = commit(project.top, "3")
    assert project.make("r3", ".", at=here, points=(("app/out/place", ""),)).ok
    assert not (project.top.parent / "place").exists()


def test_one_that_stopped_halfway_is_begun_anew_and_one_that_is_done_stays(project: Project) -> None:
    part = project.release("r2") / "tree.part"
    part.mkdir(parents=True)
    (part / "rest").touch()
    assert project.make("r2", "public").ok
    tree = project.release("r2") / "tree"
    assert not (tree / "rest").exists()
    (tree / "app/public/a").write_text("by a container")
    assert project.make("r2", "public", "x").ok
    assert (tree / "app/public/a").read_text() == "by a container"
    assert not (tree / "app/x").exists()


def test_what_is_no_longer_as_the_release_has_it_is_not_copied(project: Project) -> None:
    assert "no longer as the release has it" in project.make("r1", "public", at=project.first).stderr
    (project.here / "public/a").write_text("edited")
    assert not project.make("r2", "public").ok
    assert not (project.release("r2") / "tree").exists()


def test_what_lies_there_besides_gits_files_is_told(project: Project) -> None:
    assert project.told("public") == Tracked({"public": project.told("public").ids["public"]}, "app/")
    for name in ("up/deep/1.png", "a.log", "a b\tc"):
        file = project.here / "public" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    (project.here / "public/none").mkdir()
    (project.here / "public/empty.log").touch()
    (project.here / "public/a").write_text("edited")
    (project.here / "public/deep/b").unlink()
    found = project.told("public", "x", "../shared")
    others = {"public/a.log", "public/up/", "public/a b?c", "public/a", "public/deep/b"}
    assert {*found.others["public"]} == others
    empty = {os.path.normpath(each) for each in found.empty["public"]}
    assert empty == {"public/none", "public/empty.log"}
    assert found.others.keys() == found.empty.keys() == {"public"}
    assert {*project.told(".").others["."]} == others


def test_what_is_neither_file_nor_folder_or_another_users_is_told(project: Project) -> None:
    os.mkfifo(project.here / "public/pipe")
    assert project.told("public").foreign == {"public": ("./public/pipe",)}


def test_links_submodules_and_placeholders_are_told(project: Project) -> None:
    inner = project.top.parent / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    commit(inner, "1", a="1")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    git(project.top, *add, str(inner), "app/lib/in")
    (project.here / "to").symlink_to("public")
    kept = {"app__store__logs___dot_gitkeep": "", "app__store__x": "1"}
    kept |= {"app__web___dot_hidden": "1", "app__web__x": ""}
    here = commit(project.top, "3", **kept)
    found = project.told("lib", "lib/in", "lib/in/a", "to", "store", "web", "public", at=here)
    assert found.unfit == {
        "lib": "submodule in",
        "lib/in": "submodule",
        "lib/in/a": "submodule",
        "to": "link",
        "store": "placeholder logs",
    }


def test_what_containers_wrote_is_told_unless_it_is_in_the_work_tree_too(project: Project) -> None:
    assert project.make("r2", "public").ok
    assert project.make("r1", "x").ok
    assert project.written("r1", "r2", "gone") == {}
    seen = project.release("r2") / "tree/app/public"
    os.utime(project.release("r2") / "tree/app")
    (seen / "a").write_text("33")
    (seen / "link").unlink()
    (seen / "up").mkdir()
    (seen / "up/1\n2").write_text("1")
    names = ("app/public/a", "app/public/link", "app/public/up", "app/public/up/1\n2")
    assert {*project.written("r1", "r2")["r2"]} == {*names}
    (project.here / "public/up").mkdir()
    (project.here / "public/up/1\n2").write_text("1")
    (project.here / "public/a").write_text("33")
    (project.here / "public/link").unlink()
    assert project.written("r1", "r2") == {}
    (project.here / "public/up/1\n2").write_text("2")
    assert project.written("r2") == {"r2": ("app/public/up/1\n2",)}


def test_files_go_unless_a_container_sees_them_or_has_written(project: Project) -> None:
    for name in ("r1", "r2", "r3"):
        assert project.make(name, "public").ok
    (project.release("r2") / "tree/app/public/new").write_text("1")
    (project.release("r4") / "tree.part").mkdir(parents=True)
    (project.release("r5") / "tree/not-ours").mkdir(parents=True)
    seen = f"{project.release('r3')}/tree/app/public"
    assert project.make("r6", "public").ok
    assert project.remove("r1", "gone", keep=("r1",)) == {}
    assert (project.release("r1") / "tree").is_dir()
    left = project.remove(mounted=seen, keep=("r6",))
    assert left == {"r2": ("app/public/new",)}
    there = {name: sorted(each.name for each in project.release(name).iterdir()) for name in ("r1", "r4")}
    assert there == {"r1": [], "r4": []}
    for name in ("r2", "r3", "r5", "r6"):
        assert (project.release(name) / "tree").is_dir()
    # The whole of the tree may be mounted, and a name that only begins like it is another one.
    assert project.remove("r3", mounted=str(project.release("r3") / "tree")) == {}
    assert (project.release("r3") / "tree").is_dir()
    assert project.remove("r3", mounted=f"{project.release('r33')}/tree") == {}
    assert not (project.release("r3") / "tree").exists()


def test_the_releases_own_definition_mounts_its_own_files(tmp_path: Path) -> None:
    """By the real Compose, which merges what its owner wrote with what we say."""
    text = """
services:
  web:
    image: "web:1"
    volumes:
      - ./public:/srv/public:ro
      - ./data:/data
      - {type: bind, source: ./src, target: /app/src, bind: {propagation: rshared}}
      - ./labelled:/labelled:ro,z
      - cache:/cache
    configs: [site]
    secrets: [token]
configs: {site: {file: ./site.conf}}
secrets: {token: {file: ./token}}
volumes: {cache: }
"""
    (tmp_path / "compose.yaml").write_text(text)
    folder = tmp_path / "r1"
    programs = path(program(tmp_path / "bin", "docker", f'shift; exec {BINARY} "$@"').parent)
    compose = Compose(Docker(), "p", str(tmp_path))
    found = parse_resolved(bash(compose.resolve(str(folder)), tmp_path, PATH=programs).stdout)
    names = ("public", "src", "labelled", "site.conf", "token")
    sources = {f"{tmp_path}/{name}": f"{folder}/tree/{name}" for name in names}
    records = {"web": ServiceRecord("p-web:r1", "", "d")}
    overlay = plan.overlay(records, ReleaseId("r1"), None, found, sources)
    done = bash(compose.pin(str(folder), overlay), tmp_path, PATH=programs)
    assert done.ok, done.stderr
    words = [str(BINARY), "-p", "p", "-f", str(folder / "compose.yaml"), "config", "--format", "json"]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    document = json.loads(said)
    volumes = {each["target"]: each for each in document["services"]["web"]["volumes"]}
    assert {target: each["source"] for target, each in volumes.items()} == {
        "/srv/public": f"{folder}/tree/public",
        "/data": f"{tmp_path}/data",
        "/app/src": f"{folder}/tree/src",
        "/labelled": f"{folder}/tree/labelled",
        "/cache": "cache",
    }
    assert volumes["/srv/public"]["read_only"]
    assert volumes["/app/src"]["bind"]["propagation"] == "rshared"
    assert volumes["/labelled"]["bind"]["selinux"] == "z"
    assert not volumes["/srv/public"]["bind"].get("create_host_path")
    assert document["configs"]["site"]["file"] == f"{folder}/tree/site.conf"
    assert document["secrets"]["token"]["file"] == f"{folder}/tree/token"


def test_what_containers_wrote_is_told_by_who_sees_it(project: Project) -> None:
    for name in ("r1", "r2"):
        assert project.make(name, ".", "../shared").ok
    trees = {name: project.release(name) / "tree" for name in ("r1", "r2")}
    (trees["r1"] / "app/public/new 1").write_text("1")
    (trees["r1"] / "shared/new").write_text("1")
    (trees["r2"] / "app/new").write_text("1")
    (trees["r2"] / "app/publicity").write_text("1")
    seen = (
        f"web {trees['r1']}/app/public",
        f"web {trees['r1']}/app/public/a",
        f"worker {trees['r1']}/app",
        f"app {trees['r2']}/app/public",
        f"app {project.here}/.schedgen/ingress",
        "app /etc",
    )

    def told(*lines: str, code: int = 0) -> Result:
        listed = "\\x1f".join(("1", "p-web-1", "web", "False", "/x", "/x/compose.yaml"))
        texts = " ".join(f"'{line}'" for line in lines)
        says = f'case $1 in ps) printf "{listed}\\n" ;; inspect) printf "%s\\n" {texts}; exit {code} ;; esac'
        docker = program(project.top.parent / "bin", "docker", says)
        command = own_files.seen_written(Docker(), "p", str(project.here))
        return bash(command, project.top, PATH=path(docker.parent))

    found = own_files.parse_seen(told(*seen).stdout)
    assert found == {"r1": (("web", "worker"), ("app/public/new 1",))}
    whole = own_files.parse_seen(told(f"web {trees['r1']}", *seen).stdout)
    assert whole["r1"][1] == ("app/public/new 1", "shared/new")
    assert told("web /etc").stdout == ""
    assert told("web /etc").ok
    assert not told(code=1).ok
