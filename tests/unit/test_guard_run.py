"""A guarded deploy on simulated hosts: kept, taken back, lost, and broken at every command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deploying import (
    ANSWER_LOST,
    DONE_THEN_INTERRUPTED,
    ERROR,
    GARBAGE,
    INTERRUPTED,
    KILLED,
    OWNER,
    Outcome,
    deploy,
    messages,
    start,
    steps,
    two,
    untruths,
)
from deploying import one as one_host
from fakes import FakeClock
from simulated import Fault, SimHost
from simulated_guard import REASON, finish
from simulated_world import COMMITS, World

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.events import Event
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.run import guarded as assemble
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

WATCH = "Extended monitoring with automatic rollback detection"


def guarded(*hosts: SimHost, branch: str, run: str, settings: Settings | None = None) -> Outcome:
    """A guarded deploy to hosts that are simulated."""
    seen: list[Event] = []
    chosen = settings or (two if len(hosts) == 2 else one_host)
    todo = assemble(Session(chosen, Fleet(hosts), Ref(branch), run, FakeClock(), seen.append, OWNER))
    try:
        release = todo()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def second(verdict: str = "kept", fault: Fault | None = None) -> tuple[SimHost, Outcome, list[str]]:
    """A guarded deploy where something serves already; and whatever is not as its exit code says."""
    before, branch, run, old = start(adopted=False)
    host = SimHost(world=replace(before, verdict=verdict), fault=fault)
    outcome = guarded(host, branch=branch, run=run)
    return host, outcome, untruths(host, before, outcome, old, run, COMMITS[branch])


def test_a_release_that_does_well_is_kept_and_the_old_containers_go() -> None:
    host, outcome, wrong = second()
    assert (outcome.code, wrong) == (0, [])
    assert not host.world.standby
    assert [title for title in steps(outcome) if title == WATCH]
    said = messages(outcome)
    assert "Monitoring deployment for 600s..." in said
    assert "  - Error rate exceeds 10.00%" in said
    assert "  - 3 consecutive health check failures occur" in said
    progress = "  Progress: 10s / 600s | Checks: 1 | Failures: 0 (0.00%) | Consecutive: 0 | Remaining: 590s"
    assert f"{progress} | Requests: 100 (0.00% errors)" in said
    assert '"guard":"kept after 1 samples"' in "".join(host.world.files.values())


def test_a_release_that_does_badly_goes_back_in_the_runbooks_words() -> None:
    _, outcome, wrong = second("back")
    assert (outcome.code, wrong) == (4, [])
    assert outcome.failed_step == WATCH
    errors = messages(outcome, "error")
    assert errors[:1] == [REASON]
    assert "TRIGGERING AUTOMATIC ROLLBACK" in errors
    assert "The old release answers again, 0.5s after the first bad sample" in messages(outcome)
    assert outcome.error is not None
    assert outcome.error.message == REASON


FAULTS = {
    "answers with an error": ERROR,
    "is killed halfway": KILLED,
    "is done, but its answer is lost": ANSWER_LOST,
    "is interrupted": INTERRUPTED,
    "is done, then interrupted": DONE_THEN_INTERRUPTED,
    "says what nobody can read": GARBAGE,
}


@pytest.mark.parametrize("verdict", ["kept", "back"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_whichever_command_fails_the_exit_code_tells_the_truth(fault: Fault, verdict: str) -> None:
    reference, _, _ = second(verdict)
    begin = reference.asked.index("start the guard")
    wrong: list[str] = []
    for number, name in enumerate(reference.asked[begin:], begin):
        host, outcome, found = second(verdict, replace(fault, at=number))
        if outcome.code == 8 and host.world.current.endswith(COMMITS["v1.2.4"][:7]):
            found = []  # The watchdog kept it meanwhile; nobody could be told.
        elif outcome.code == 8:
            found = [text for text in found if not text.startswith(("changed", "a step", "containers are"))]
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("verdict", ["kept", "back"])
def test_with_the_connection_lost_the_host_decides_and_nothing_is_taken_back_from_here(verdict: str) -> None:
    reference, _, _ = second()
    fault = Fault(reference.asked.index("follow the guard"), ConnectionLost, lasts=True)
    before, branch, run, _ = start(adopted=False)
    host, outcome, _ = second(verdict, fault)
    assert outcome.code == 8
    assert outcome.error is not None
    assert "deploy.status" in outcome.error.hint
    world = host.world
    assert world.watchdog
    assert world.records()[f"{run}-{COMMITS[branch][:7]}"] == "STARTED"
    finish(world, verdict)
    assert world.records()[f"{run}-{COMMITS[branch][:7]}"] == {"kept": "DONE", "back": "FAILED"}[verdict]
    if verdict == "back":
        assert world.serving == before.serving
    # And the next run finds nothing to take back.
    again = deploy(SimHost(world=world), branch=branch, run="20250115_140000")
    assert again.code == 0
    assert not any("interrupted" in text for text in messages(again, "warn"))


def test_what_one_host_cannot_keep_goes_back_on_all() -> None:
    first = SimHost("app1")
    assert deploy(first, SimHost("app2"), branch="v1.2.3", run="20250115_120000").code == 0
    base = first.world
    hosts = [
        SimHost(name, replace(base.copy(), verdict=v)) for name, v in (("app1", "back"), ("app2", "back"))
    ]
    outcome = guarded(*hosts, branch="v1.2.4", run="20250115_130000")
    assert outcome.code == 4, outcome.error
    assert all(host.world.current == base.current for host in hosts)
    assert all(_standing(host.world) == _standing(base) for host in hosts)


def test_hosts_that_find_it_good_are_told_to_keep_it_once_all_do() -> None:
    first = SimHost("app1")
    assert deploy(first, SimHost("app2"), branch="v1.2.3", run="20250115_120000").code == 0
    hosts = [SimHost(name, replace(first.world.copy(), verdict="agreed")) for name in ("app1", "app2")]
    outcome = guarded(*hosts, branch="v1.2.4", run="20250115_130000")
    assert outcome.code == 0, outcome.error
    assert {host.world.current[:15] for host in hosts} == {"20250115_130000"}
    assert all("tell the guard" in host.asked for host in hosts)


def _standing(world: World) -> dict[str, tuple[str, ...]]:
    return world.serving


def test_with_a_canary_the_first_containers_get_its_share() -> None:
    before, branch, run, _ = start(adopted=False)
    settings = one_host.model_copy(update={"guard": one_host.guard.model_copy(update={"canary": (10, 50)})})
    host = Listening(world=before)
    assert guarded(host, branch=branch, run=run, settings=settings).code == 0
    started = [dict(command.values) for command in host.commands if command.script == "rollout/start_beside"]
    assert {values["share"] for values in started if values["proxies"]} == {10}


class Listening(SimHost):
    """A host that remembers what it was sent."""

    def _met(self, command: Command) -> Result:
        self.commands.append(command)
        return SimHost._met(self, command)
