"""A run ends at any moment, in any way: every request is answered, and the next run puts everything right."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box, Ran
from deploy_kit import Operator, Running
from load import failed, load

from schedgen_ops.lab import docker
from schedgen_ops.lab import hosts as lab_hosts
from schedgen_ops.lab.place import Place

TAGS = ("v1.2.3", "v1.2.4")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a run is ended: some seconds after a step has begun. `place` is for a reader."""

    step: str
    place: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.place} {self.step}"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    """An operator of host 1, which is on v1.2.3 behind the ingress."""
    operator = Operator(lab, tmp_path, (host,)).configure(health={"settle": 1})
    operator.deploy("v1.2.3")
    return operator


def moments(op: Operator) -> tuple[Moment, ...]:
    """The table: before and in the middle of each step that the last run had; after it is before the next."""
    lines = [json.loads(line) for line in op.newest("jsonl").splitlines()]
    ended = [line for line in lines if line["event"] == "step.finished"]
    order = [line["title"] for line in lines if line["event"] == "step.started"]
    seconds = {line["title"]: line["seconds"] for line in ended}
    return tuple(
        moment
        for title in order
        for moment in (Moment(title, "before"), Moment(title, "in the middle of", seconds[title] / 2))
    )


def ended_at(run: Running, moment: Moment, end: Callable[[Running], None]) -> None:
    """Ends a run at a moment, or as soon as possible after it."""
    run.until(f"{moment.step} ===")
    time.sleep(moment.seconds)
    end(run)


def killed(run: Running) -> None:
    run.signal(signal.SIGKILL)
    run.process.wait(10)


def other(host: Box) -> str:
    """The tag that does not serve."""
    return TAGS[TAGS[0] == f"v{host.version()}"]


def wrong(host: Box) -> Iterator[str]:
    """What is not as the release that is said to serve has it."""
    records = {record["id"]: record for record in kit.records(host)}
    current = records[host.sh("cat .schedgen/current")]
    boxes = host.sh(
        "docker ps -a --filter label=com.docker.compose.project=schedgen "
        "--format '{{.Label \"com.docker.compose.service\"}} {{.State}} {{.Image}}'"
    ).splitlines()
    if len(boxes) != 9 or any(line.split()[1] != "running" for line in boxes):
        yield f"containers: {boxes}"
    for service in ("backend", "frontend", "pdf-worker"):
        id_of = f"docker inspect --format '{{{{.Image}}}}' $(docker ps -q --filter name=schedgen-{service}-)"
        if host.sh(id_of) != current["services"][service]["image_id"]:
            yield f"{service} is not of {current['id']}"
    policies = "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' $(docker ps -q) | sort -u"
    if host.sh(policies) != "unless-stopped":
        yield "not everything comes back after a reboot"
    if host.sh("git rev-parse HEAD") != current["commit"]:
        yield "the work tree has another commit"
    if begun := [name for name, record in records.items() if record["state"] == "STARTED"]:
        yield f"still begun: {begun}"
    if not kit.lock_is_free(host):
        yield "the lock is held"
    good = {name for name, record in records.items() if record["state"] in ("DONE", "ADOPTED")}
    tags = {name.rpartition(":")[2] for name in kit.images(host)} - {"latest"}
    if tags - good:
        yield f"images of {tags - good}"
    if parts := [name for name in kit.backups(host) if name.endswith(".part")]:
        yield f"unfinished backups: {parts}"
    if f"v{host.version()}" != current["branch"]:
        yield f"{host.version()} answers, {current['branch']} should"


def test_a_run_that_is_killed_anywhere_fails_no_request_and_the_next_one_finishes_or_undoes_it(
    op: Operator, host: Box
) -> None:
    op.deploy("v1.2.4")
    table = moments(op)
    assert len(table) > 20
    with load(host) as ended:
        for number, moment in enumerate(table):
            ended_at(op.start("deploy", "--branch", other(host)), moment, killed)
            words = ("deploy.recover",) if number % 2 else ("deploy", "--branch", other(host))
            ran = op(*words)
            found = [f"killed {moment}, then {words[0]}: {text}" for text in _outcome(host, ran)]
            assert not found, "\n".join(found)
        assert not failed(ended())


def _outcome(host: Box, ran: Ran) -> Iterator[str]:
    if ran.code:
        yield f"exit {ran.code}: {ran.stderr}"
    yield from wrong(host)


def test_a_rollback_that_is_killed_and_runs_that_are_ended_otherwise(op: Operator, host: Box) -> None:
    op.deploy("v1.2.4")
    found: list[str] = []
    rolling = Moment("Rolling update - Application services", "in the middle of", 1.5)
    back = Moment("Rolling back services", "in the middle of", 1.5)
    cases: tuple[tuple[tuple[str, ...], Moment, Callable[[Running], None]], ...] = (
        (("rollback", "--yes"), back, killed),
        (("deploy", "--branch", "v1.2.3"), rolling, lambda run: run.signal(signal.SIGINT)),
        (("deploy", "--branch", "v1.2.3"), rolling, lambda _: _cut(host)),
    )
    with load(host) as ended:
        for words, moment, end in cases:
            run = op.start(*words)
            ended_at(run, moment, end)
            code = run.wait().code
            if code == 0:
                found.append(f"{words[0]}, ended {moment}: exit 0")
            found += [f"{words[0]}, ended {moment}: {text}" for text in _outcome(host, op("deploy.recover"))]
        found += [f"requests failed: {one}" for one in failed(ended())]
    assert not found, "\n".join(found)


def _cut(host: Box) -> None:
    """Every SSH connection of the operator dies."""
    host.sh("pkill -KILL -u deploy sshd || true", user="root")


def test_a_host_that_reboots_before_a_release_was_verified_comes_back_with_the_old_one(
    op: Operator, host: Box
) -> None:
    op.configure(health={"settle": 60})
    run = op.start("deploy", "--branch", "v1.2.4")
    run.until("Post-deployment verification ===")
    docker.run("restart", "--time", "5", host.host.container, timeout=120)
    lab_hosts.wait(host.host, lambda _: None)
    assert run.wait().code not in (0, 3)
    assert {host.version() for _ in range(20)} == {"1.2.3"}
    ran = op("deploy.recover")
    assert list(_outcome(host, ran)) == []
    assert host.version() == "1.2.3"
