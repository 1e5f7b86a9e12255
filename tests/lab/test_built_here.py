"""Images built by this machine's own engine, carried to hosts that build nothing."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator
from stack_kit import Stack, stack

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place

KEPT = "schedgen-built/{}/*"
DOOR = "http=127.0.0.1:8141"
FLAVOUR = 'va$nilla "x" it'
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20}
NO_DATA = ["backend", "frontend", "pdf-worker", "prometheus", "grafana"]
ROLES: dict[str, dict[str, Any]] = {"app2": {"services": NO_DATA}}


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    """The operator's folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def built(project: str) -> list[str]:
    """The names of what this machine has built for a project."""
    listed = docker.run("images", "--format", "{{.Repository}}:{{.Tag}}", KEPT.format(project))
    return sorted(listed.split())


@contextmanager
def cleared(project: str) -> Iterator[None]:
    """This machine without any of that afterwards."""
    try:
        yield
    finally:
        if names := built(project):
            docker.run("rmi", "--force", *names)


def carried(said: str) -> float:
    """The bytes that a deploy carried."""
    (found,) = re.findall(r"built once: ([\d.]+) (\w+) carried from this machine", said)
    return float(found[0]) * UNITS[found[1]]


_LEFT = """
docker images --all --quiet --filter dangling=true
docker images --format '{{.Repository}}:{{.Tag}}' 'here-*' | while read -r name; do
  docker image inspect --format '{{.Parent}}' "$name"
done
"""


def built_there(box: Box) -> list[str]:
    """What a builder leaves: images without a name, and what those of the project were made out of there."""
    return sorted(box.sh(_LEFT).split())


def test_a_site_is_built_here_and_only_what_changed_is_carried(
    lab: Place, empty_host: Box, tmp_path: Path, tmp: Path
) -> None:
    with cleared("here"), stack("here", lab, empty_host, tmp_path) as site:
        site.op.environ["TMPDIR"] = str(tmp)
        before = built_there(empty_host)
        _assert_nothing_begins_without_an_engine(site, empty_host)
        _assert_the_plan_says_where(site)
        first = carried(site.deploy("v1"))
        assert 5_000_000 < first < 20_000_000
        assert site.inside("web", "cat", "flavour") == FLAVOUR
        with site.visitors(DOOR) as ended:
            assert carried(site.deploy("v2")) < 100_000
            _assert_a_broken_build_changes_nothing(site, empty_host)
            _assert_an_interrupt_leaves_nothing(site, empty_host)
            ran = site.op("rollback", "--yes")
            assert ran.code == 0, ran.output
            seen = ended()
        assert {*seen[DOOR]} == {"1", "2"}, seen
        assert site.inside("web", "cat", "version") == "1"
        assert built_there(empty_host) == before
        assert empty_host.sh(f"ls {site.directory}/.schedgen/carried 2>/dev/null || echo none") == "none"
        assert [*tmp.iterdir()] == []
        # Of what was built, the last that came to something is what the next build begins with.
        (kept,) = built("here")
        assert empty_host.sh(f"ls {site.directory}/.schedgen/releases").count(kept.partition(".")[2]) == 1


def _assert_nothing_begins_without_an_engine(site: Stack, host: Box) -> None:
    tree = host.sh(f"git -C {site.directory} rev-parse HEAD")
    ran = site.op("deploy", "--branch", "v2", env={"DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert (ran.code, "Docker does not answer on this machine: " in ran.stderr) == (3, True), ran.output
    assert host.sh(f"git -C {site.directory} rev-parse HEAD") == tree


def _assert_the_plan_says_where(site: Stack) -> None:
    plan = site.op("deploy.plan", "--branch", "v1").output
    assert "built on this machine, and carried here" in plan, plan
    ticks = site.op("deploy.preflight", "--branch", "v1").output
    assert re.search(r"passed\s+This machine builds the images\s+for linux/", ticks), ticks


def _assert_a_broken_build_changes_nothing(site: Stack, host: Box) -> None:
    tree, names, engine = host.sh(f"git -C {site.directory} rev-parse HEAD"), built("here"), kit.engine(host)
    ran = site.op("deploy", "--branch", "v3")
    assert ran.code == 4, ran.output
    parts = ("Container build failed", "this machine", "Building containers", "npm ERR! no such package")
    assert kit.in_order(ran.stderr, parts), ran.stderr
    assert host.sh(f"git -C {site.directory} rev-parse HEAD") == tree
    assert (built("here"), kit.engine(host)) == (names, engine)
    assert _builders() == []


def _assert_an_interrupt_leaves_nothing(site: Stack, host: Box) -> None:
    names, engine = built("here"), kit.engine(host)
    run = site.op.start("deploy", "--branch", "v4", "--log-level", "debug")
    run.until("exec sleep 611")
    kit.wait_for(lambda: len(_builders()) == 1, "the build's container")
    run.signal(signal.SIGINT)
    ran = run.wait()
    assert (ran.code, "interrupted from the keyboard" in ran.stderr) == (4, True), ran.output
    assert (built("here"), kit.engine(host)) == (names, engine)
    kit.wait_for(lambda: _builders() == [], "the build to end")


def _builders() -> list[str]:
    """Containers of the build that is never done, or that failed, running or not."""
    listed = docker.run("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Command}}").splitlines()
    return [line for line in listed if "exec sleep 611" in line or "no such package" in line]


def test_two_hosts_get_what_was_built_once(
    lab: Place, two_hosts: tuple[Box, ...], tmp_path: Path, tmp: Path
) -> None:
    first, second = two_hosts
    op = Operator(lab, tmp_path, two_hosts, {"TMPDIR": str(tmp)})
    op.configure(hosts=ROLES, health={"settle": 1}, rollout={"batch": 2}, build={"where": "laptop"})
    with cleared("schedgen"):
        ran = op.deploy("v1.2.3")
        sent = re.findall(r"(app\d): \d images? built once: .* carried from this machine", ran.output)
        assert sorted(sent) == ["app1", "app2"]
        assert ran.output.count("Containers built successfully") == 1
    for box in two_hosts:
        kit.serves(box, "1.2.3")
        assert box.sh("ls .schedgen/carried 2>/dev/null || echo none") == "none"
    ours = {record["image"] for record in kit.records(second)[-1]["services"].values()}
    one, two = ({name: id_ for name, id_ in kit.images(box).items() if name in ours} for box in two_hosts)
    assert one == two
    assert [*tmp.iterdir()] == []
    # What was built elsewhere is gone back from as ever.
    back = op("rollback", "--yes")
    assert back.code == 0, back.output
    for box in two_hosts:
        kit.serves(box, "1.2.2")
    assert first.sh("docker images --all --quiet --filter dangling=true") == ""
