"""The lab as fixtures: brought up once, used as it is found, one test at a time on a host."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import beside  # noqa: F401 - first of all: it says which lab is ours
import lanes
import pytest
from box import KEPT, LEFT, ROOT, AsLeft, Box, Inv, Ran
from sshd import Sshd, sshd

from schedgen_ops.lab import engine, hosts, manager
from schedgen_ops.lab.hosts import existing
from schedgen_ops.lab.place import PREFIX, LabHost, Place, find_place, first_hosts
from schedgen_ops.lab.progress import Silent

LONGEST = (
    "test_zero_downtime",
    "test_balancer",
    "test_interrupted",
    "test_interrupted_data",
    "test_guard",
    "test_stacks",
    "test_swarm",
    "test_swarm_partition",
    "test_swarm_emergency",
    "test_swarm_canary",
    "test_swarm_ops",
    "test_swarm_move",
    "test_swarm_registry",
    "test_swarm_images",
    "test_swarm_objects",
    "test_swarm_lost_node",
    "test_swarm_drained",
    "test_swarm_page",
    "test_swarm_rollback",
    "test_fleet_deploy",
    "test_stacks_traffic",
    "test_mounted_files",
    "test_stacks_of_others",
    "test_interrupted_engine",
    "test_runbook",
    "test_maintenance_page",
    "test_restore",
    "test_standby",
    "test_built_here",
    "test_deploy_broken",
    "test_ops",
    "test_called_by_name",
    "test_doctor",
    "test_deploy",
    "test_interrupted_handover",
)
"""Files that begin first, so that no process ends long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others as they are."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


NEEDED = {"two_hosts": 2, "three_empty_hosts": 3, "swarm": 3}
"""The fixtures that need more than the first host, and how many they need."""
_NEXT = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """How many hosts the test after this one needs: those need not be halted."""
    names = nextitem.fixturenames if isinstance(nextitem, pytest.Function) else ()
    item.stash[_NEXT] = max((NEEDED.get(name, 1) for name in names), default=1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who runs which file."""
    return lanes.scheduler(config, log)


@pytest.fixture(scope="session")
def place() -> Place:
    """The lab's folder."""
    return find_place(ROOT)


@pytest.fixture(scope="session")
def inv() -> Inv:
    """Runs the command line as an operator does, from the repository's root, and returns what came of it."""

    def run(*arguments: str, timeout: float = 600, env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=ROOT,
            env={**os.environ, **KEPT, "NO_COLOR": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def lab(place: Place) -> Place:
    """The lab, up with at least one host, whatever an earlier run left of it."""
    with _alone():
        if engine.answering() and LabHost(1) in existing():
            manager.reset(place, 1, Silent())
        manager.up(place, 1, Silent())
    return place


@pytest.fixture
def host(lab: Place) -> Iterator[Box]:
    """Host 1 in its golden state, for this test alone."""
    with _alone():
        manager.reset(lab, 1, Silent())
        yield Box(LabHost(1))


@pytest.fixture
def as_left(lab: Place, request: pytest.FixtureRequest) -> Iterator[AsLeft]:
    """Host 1 as the test of the same file before left it, where that passed; else in its golden state.

    For tests that begin with the same deploy, and do not mind what came after it.
    """
    box, mark = Box(LabHost(1)), f"{os.getpid()} {request.path.name}"
    with _alone():
        fresh = box.host not in hosts.running((box.host,)) or box.sh(_LEFT, user="root") != mark
        if fresh:
            manager.reset(lab, 1, Silent())
        else:
            box.sh(f"rm {LEFT}", user="root")
        failed = request.session.testsfailed
        yield AsLeft(box, fresh)
        if request.session.testsfailed == failed:
            box.sh(f"echo '{mark}' > {LEFT}", user="root")


@pytest.fixture
def empty_host(lab: Place) -> Iterator[Box]:
    """Host 1 with nothing running on it, for this test alone: cheaper than one that has its application."""
    with _alone():
        manager.empty(lab, 1, Silent())
        yield Box(LabHost(1))


@pytest.fixture
def three_empty_hosts(lab: Place, request: pytest.FixtureRequest) -> Iterator[tuple[Box, ...]]:
    """Hosts 1 to 3 with nothing running on them, for this test alone."""
    with _alone():
        three = first_hosts(3)
        _ready_to_boot(lab, three)
        manager.empty(lab, 3, Silent())
        try:
            yield tuple(map(Box, three))
        finally:
            _halt_others(lab, three, request)


@pytest.fixture
def two_hosts(lab: Place, request: pytest.FixtureRequest) -> Iterator[tuple[Box, ...]]:
    """Hosts 1 and 2 in their golden state, for this test alone."""
    with _alone():
        first, second = first_hosts(2)
        _ready_to_boot(lab, (first, second))
        manager.up(lab, 2, Silent())
        manager.reset(lab, 2, Silent())
        try:
            yield Box(first), Box(second)
        finally:
            _halt_others(lab, (first, second), request)


@pytest.fixture
def swarm(lab: Place, request: pytest.FixtureRequest) -> Iterator[tuple[Box, ...]]:
    """Hosts 1 to 3 as one Swarm, each a manager, with nothing in it, for this test alone."""
    with _alone():
        three = first_hosts(3)
        _ready_to_boot(lab, three)
        manager.empty_swarm(lab, 3, Silent())
        try:
            yield tuple(map(Box, three))
        finally:
            _halt_others(lab, three, request)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd on loopback, for the tests of connections alone."""
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def status(inv: Inv) -> Callable[[], dict[str, dict[str, Any]]]:
    """What `lab.status --json` says, by host."""
    return lambda: {row["host"]: row for row in json.loads(inv("lab.status", "--json").stdout)}


def _halt_others(lab: Place, used: tuple[LabHost, ...], request: pytest.FixtureRequest) -> None:
    """What runs on them would take part of the processors from every test that follows."""
    for host in used[request.node.stash[_NEXT] :]:
        manager.halt(lab, host)


def _ready_to_boot(lab: Place, wanted: tuple[LabHost, ...]) -> None:
    """What an earlier test broke on the first host would keep others from being made."""
    if {*wanted} - {*existing()}:
        manager.reset(lab, 1, Silent())


_LEFT = f"cat {LEFT} 2>/dev/null || true"


@contextmanager
def _alone() -> Iterator[None]:
    """Other test runs on this lab wait; `inv lab.*` inside a test has the lab's own lock to take."""
    path = Path(tempfile.gettempdir()) / f"{PREFIX}-tests-{os.getuid()}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
