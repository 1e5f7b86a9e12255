"""The guard on a host of the lab, under load: bad releases go back by themselves, good ones stay."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import AsLeft, Box
from deploy_kit import Operator
from load import Load, load

from schedgen_ops.lab.place import Place

TAGS = ("v1.2.3", "v1.2.4")
# Short enough for a test: a leak shows in seconds, and is a hundred times what is let pass.
GUARD = {"leak": 60, "leak_samples": 8, "warm_up": 4, "min_requests": 20}
QUIET = "/api/version"


@dataclass(frozen=True, slots=True)
class Bad:
    """A broken tag, and what is said of it; `rules` are those that may decide.

    Attributes:
        within: seconds from the start of the watch to the decision, at most.
    """

    tag: str
    rules: tuple[str, ...]
    text: str
    within: float


@dataclass(frozen=True, slots=True)
class Before:
    """The release that serves before a bad one comes, and after it."""

    version: str
    commit: str

    @property
    def other(self) -> str:
        """A good tag that does not serve."""
        return TAGS[TAGS[0] == f"v{self.version}"]


BAD = (
    Bad("broken-errors", ("requests", "counters"), "exceeded threshold (10.00%)", 15),
    Bad("broken-slow", ("latency",), "exceeded 3 times that of the release before", 25),
    Bad("broken-crash", ("restarts", "checks", "requests"), "Containers ended 1 times", 40),
)


@pytest.fixture
def host(as_left: AsLeft) -> Box:
    return as_left.box


@pytest.fixture
def op(lab: Place, as_left: AsLeft, tmp_path: Path) -> Operator:
    """Host 1 behind the ingress, on the release that the test before left it on; else on v1.2.3."""
    made = Operator(lab, tmp_path, (as_left.box,))
    made.configure(
        health={"deadline": 60, "settle": 1},
        watch={"duration": 40, "interval": 1},
        rollout={"drain": 4},
        guard=GUARD,
    )
    if as_left.fresh:
        made.deploy(TAGS[0])
    return made


def test_a_good_canary_gets_more_requests_step_by_step_and_then_all(op: Operator, host: Box) -> None:
    with load(host, QUIET) as ended:
        ran = op(
            "deploy.guarded", "--branch", "v1.2.4", "--canary", "10,50", "--pause", "12", "--duration", "10"
        )
        seen = ended()
    assert ran.code == 0, ran.output
    told = [f"Canary: {share}% of the requests go to the new release for 12s" for share in (10, 50)]
    assert kit.in_order(ran.stdout, (*told, "Monitoring passed: the release is kept")), ran.stdout
    assert "Zero downtime: " in ran.stdout
    assert not [one for one in seen if one.failed], seen
    kit.serves(host, "1.2.4")
    _assert_nothing_left(host)


def test_bad_releases_go_back_by_themselves_and_a_good_one_stays(op: Operator, host: Box) -> None:
    before = Before(host.version(), host.sh("git rev-parse HEAD"))
    for bad in BAD:
        _assert_goes_back(op, host, bad)
        _assert_as_before(host, before)
    _assert_never_replaced(op, host, before)
    _assert_host_goes_back_alone(op, host, before)
    _assert_host_keeps_alone(op, host, before)


def test_a_way_back_that_is_gone_is_told_with_what_is_to_do(op: Operator, host: Box) -> None:
    run = op.start("deploy.guarded", "--branch", "broken-errors")
    run.until("  Progress: ")
    # What stands by is gone, with the images that it could be made from again.
    for service in ("backend", "frontend", "pdf-worker"):
        listed = f"docker ps --all --quiet --filter label=com.docker.compose.service={service}"
        host.sh(f"{listed} | tail -n +2 | xargs -r docker rm --force")
    host.sh("docker image prune --all --force")
    with load(host, QUIET) as ended:
        ran = run.wait()
        ended()
    assert ran.code == 5, ran.output
    assert "TRIGGERING AUTOMATIC ROLLBACK" in ran.stdout
    assert kit.in_order(ran.stderr, ("exceeded threshold", "then taking back", "step:", "next:")), ran.stderr
    assert kit.records(host)[-1]["state"] == "BROKEN"
    status = op("deploy.status").stdout
    assert kit.in_order(status, ("broken-errors): BROKEN", "look at the services")), status


def _assert_goes_back(op: Operator, host: Box, bad: Bad) -> None:
    canary = ("--canary", "10", "--pause", "20") if bad.tag == "broken-errors" else ()
    with load(host, QUIET) as ended:
        ran = op("deploy.guarded", "--branch", bad.tag, *canary)
        seen = ended()
    assert ran.code == 4, ran.output
    story = ("Step 8: Extended monitoring with automatic rollback detection", "Monitoring deployment for 40s")
    assert kit.in_order(ran.stdout, (*story, "Automatic rollback will trigger if:", "  Progress: "))
    assert "TRIGGERING AUTOMATIC ROLLBACK" in ran.stdout
    assert "outcome: the old release still serves" in ran.stderr
    facts = _facts(op)
    assert facts["guard.rule"] in bad.rules, ran.output
    if facts["guard.rule"] == bad.rules[0] or bad.tag != "broken-crash":
        assert bad.text in ran.stdout
    # Three samples, and what it takes to give the requests back; on a busy machine one takes many seconds.
    assert facts["guard.answering"] < 30, ran.output
    if canary:
        share, new, total = facts["guard.share"]
        assert share == 10
        assert total > 50
        assert new <= total * 0.12, facts
    _assert_own_errors_only(bad, seen, ran.stdout)


def _assert_own_errors_only(bad: Bad, seen: tuple[Load, ...], said: str) -> None:
    api = [one for one in seen if QUIET in one.what]
    assert len(api) == 2
    assert not [one for one in seen if one not in api and one.failed], (bad.tag, seen)
    asked, failed = sum(one.good + one.failed for one in api), sum(one.failed for one in api)
    if bad.tag == "broken-errors":
        # Every eighth of the calls that it got fails, and it never got more than a tenth of them.
        assert 0 < failed <= asked * 0.10 * 0.125 * 1.3 + 3, seen
        assert "Canary: 10% of the requests go to the new release for 20s" in said
    elif bad.tag == "broken-slow":
        assert failed == 0, (bad.tag, seen)
    else:
        # A process that dies takes the calls with it that it had accepted.
        assert failed <= 8, (bad.tag, seen)


def _facts(op: Operator) -> dict[str, Any]:
    lines = map(json.loads, op.newest("jsonl").splitlines())
    return {line["name"]: line["value"] for line in lines if line["event"] == "fact"}


def _assert_as_before(host: Box, before: Before) -> None:
    kit.untouched(host, before.version, before.commit)
    record = kit.records(host)[-1]
    assert record["state"] == "FAILED"
    assert host.sh("cat .schedgen/current") == record["previous"]
    assert not [name for name in kit.images(host) if record["id"] in name]
    # What was checked out is for images to copy: nobody but its owner could read it otherwise.
    assert host.sh("find backend frontend -type f ! -perm -044") == ""
    _assert_nothing_left(host)


def _assert_nothing_left(host: Box) -> None:
    """No file and no process of the guard, here or in the login's home."""
    kit.wait_for(
        lambda: host.sh("ls -d .schedgen/guard 2>/dev/null || true") == "", "the guard to be gone", 20
    )
    assert not [name for name in host.sh("ls -A ~").split() if not name.startswith(".")]
    left = "pgrep -f 'schedgen-[g]uard|docker [s]tats|docker [l]ogs' || true"
    kit.wait_for(lambda: host.sh(left) == "", "its processes to be gone", 20)


def _assert_never_replaced(op: Operator, host: Box, before: Before) -> None:
    """A release that never gets healthy does not come as far as the watch."""
    ran = op("deploy.guarded", "--branch", "broken-health")
    assert ran.code == 4, ran.output
    assert "Service backend failed health check after" in ran.stderr
    _assert_as_before(host, before)


def _killed_in_the_watch(op: Operator, branch: str) -> None:
    running = op.start("deploy.guarded", "--branch", branch, "--duration", "30")
    running.until("  Progress: ")
    running.signal(signal.SIGKILL)
    running.process.wait()


def _assert_host_goes_back_alone(op: Operator, host: Box, before: Before) -> None:
    with load(host, QUIET) as ended:
        _killed_in_the_watch(op, "broken-leak")
        second = op("deploy", "--branch", before.other)
        told = op("deploy.status")
        kit.wait_for(lambda: kit.records(host)[-1]["state"] != "STARTED", "the host's own decision", 120)
        seen = ended()
    if second.code != 3:
        assert second.code == 7, second.output
        assert "guard broken-leak" in second.stderr
        assert "watching;" in told.stdout or "going back" in told.stdout, told.output
    assert not [one for one in seen if one.failed], seen
    _assert_as_before(host, before)
    after = op("deploy.status")
    assert "broken-leak): FAILED" in after.stdout
    assert "Memory grows by at least" in after.stdout


def _assert_host_keeps_alone(op: Operator, host: Box, before: Before) -> None:
    with load(host, QUIET) as ended:
        _killed_in_the_watch(op, before.other)
        began = time.monotonic()
        kit.wait_for(lambda: kit.records(host)[-1]["state"] != "STARTED", "the host's own decision", 120)
        assert time.monotonic() - began > 5
        seen = ended()
    assert not [one for one in seen if one.failed], seen
    record = kit.records(host)[-1]
    assert (record["state"], record["branch"]) == ("DONE", before.other)
    _assert_nothing_left(host)
    assert host.sh("cat .schedgen/current") == record["id"]
    kit.serves(host, before.other.removeprefix("v"))
    assert set(kit.containers(host)) == kit.SERVICES
    assert f"{before.other}): DONE" in op("deploy.status").stdout
    again = op("deploy", "--branch", before.other)
    assert again.code == 0, again.output
    assert "interrupted" not in again.output
