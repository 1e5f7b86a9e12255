"""Every script that is sent to a host is good syntax."""

from __future__ import annotations

import shlex

import pytest
from kit import BACKUP, DATABASE, FLOW, OBJECTS, parses, settings

from schedgen_ops import host_scripts
from schedgen_ops.backup.catalog import remote_commands as backup
from schedgen_ops.backup.create import integrity, scripts
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import drill_scripts, swap
from schedgen_ops.backup.restore import scripts as restore_scripts
from schedgen_ops.commands import disks, environment, files, git, http
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.emergency import remote_commands as emergency
from schedgen_ops.lock import remote_commands as lock
from schedgen_ops.parallel_batch import together
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Check, Prometheus
from schedgen_ops.shell import Command
from schedgen_ops.verify import checks, flow, logs, performance
from schedgen_ops.verify import remote_commands as verify
from schedgen_ops.watch import sampler

PLAIN, SUDO = Docker(), Docker(sudo=True)
COMPOSE = Compose(PLAIN, "schedgen", "/srv/schedgen")
OWNER = lock.Owner("ann", "laptop", "now", "deploy", "v1")

CHECK = Check(name="web", url="http://localhost/")
PLACES = DataLocation(SUDO, "c1", "c2", "image", "20250115_120000", DATABASE, OBJECTS)
EVERY = (
    PLAIN.containers("p"),
    COMPOSE.resolve("/r"),
    COMPOSE.pin("/r", "{}"),
    COMPOSE.up("/r", "web", 3),
    COMPOSE.logs("/r", "web", 3),
    environment.variables(COMPOSE, ".env", ["A"]),
    disks.spaces(SUDO, "/x"),
    files.writable("/x"),
    files.replace("/x", "y"),
    files.load(),
    git.work_tree("a"),
    git.fetch("origin", git.Ref("main")),
    git.checkout("a" * 40),
    git.back("a" * 40, "main"),
    git.state(),
    git.resolve("origin", git.Ref("main")),
    http.get("http://localhost/", 3),
    scripts.create("b", "auto", "plain", scripts.Parts(PLACES), BACKUP),
    integrity.verify("b", BACKUP),
    drill_scripts.drill("b", BACKUP, SUDO, "image", DATABASE, ["SELECT 1"], 5),
    restore_scripts.beside(PLACES, "b", BACKUP, ["SELECT 1"], 5),
    restore_scripts.kept(PLACES),
    restore_scripts.discard(PLACES, ["a"]),
    swap.swap(PLACES, "/lock", ["c1"], 5, "{}"),
    emergency.set_aside(SUDO, "b", "c1", "image"),
    backup.list_("b"),
    backup.fail("b", BACKUP),
    backup.update("b", BACKUP),
    lock.hold("/s", OWNER, 60),
    lock.who("/s"),
    lock.break_("/s"),
    store.read_command(Paths("/srv/p")),
    verify.settle(PLAIN, ["a"], 3),
    verify.inside(PLAIN, "p", "web", "true"),
    verify.queries(PLAIN, "p", DATABASE, "SELECT 1"),
    sampler.Sampling(PLAIN, "p", [CHECK], rounds=1, interval=1, patience=1).command,
    logs.since_deploy(PLAIN, Paths("/srv/p"), "p", 600),
    logs.keep(PLAIN, Paths("/srv/p"), "p", ReleaseId("r1")),
    http.fetch("http://localhost/", 3),
    checks.targets(Prometheus()),
    flow.follow(FLOW, "1"),
    performance.ask([CHECK], settings()),
    together([http.get("http://localhost/", 3)], 3),
)


LOOSE = (host_scripts.joined("objects/volume.sh"),)


def texts_of(command: Command) -> list[str]:
    """The command's own text, and the script that it hands to another bash."""
    words = shlex.split(command.text)
    return [command.text, *(words[4:5] if words[:3] == ["bash", "-o", "pipefail"] else [])]


def test_every_script_is_good_syntax() -> None:
    texts = [*(text for command in EVERY for text in texts_of(command)), *LOOSE]
    # One bash reads them all as functions; only where it complains is each one asked for.
    if parses("".join(f"script() {{\n{text}\n}}\n" for text in texts)):
        assert {text: parses(text) for text in texts if parses(text)} == {}
        pytest.fail("together they are no good syntax")
