"""A release that canary hosts get first, judged by their guard before the others get it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from deploying import FIRST, OWNER, Outcome, messages, steps, untruths
from fakes import FakeClock
from kit import settings
from simulated import Fault, SimHost
from simulated_guard import REASON
from simulated_world import NEW, OLD, World, fresh

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.events import Event
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.run import guarded, judged
from schedgen_ops.settings import Settings

NAMES = ("app1", "app2", "app3")
WATCH = "Watching the canary hosts"
FOUND = f"{FIRST}-{OLD[:7]}-adopted"
RELEASE = f"{FIRST}-{NEW[:7]}"
ONE_FIRST = settings(*NAMES, rollout={"canary_hosts": 1, "batch": 2}, guard={"canary": [10]})


def go(
    *hosts: SimHost,
    chosen: Settings = ONE_FIRST,
    whole: bool = False,
    judge: bool = True,
    reach: Callable[[], Fleet] | None = None,
) -> Outcome:
    """A first deploy, or with `whole` a guarded one."""
    seen: list[Event] = []
    session = Session(chosen, Fleet(hosts), Ref("v1.2.3"), FIRST, FakeClock(), seen.append, OWNER)
    session.reach = reach
    run = guarded if whole else partial(deploy, judge=judged if judge else None)
    try:
        release = run(session)()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def three(first: World | None = None, fault: Fault | None = None) -> tuple[SimHost, SimHost, SimHost]:
    return SimHost("app1", first, fault), SimHost("app2"), SimHost("app3")


def test_the_others_get_what_did_well_on_the_canary_host() -> None:
    hosts = three()
    outcome = go(*hosts)
    assert outcome.code == 0
    assert {host.world.current for host in hosts} == {RELEASE}
    assert steps(outcome)[5:8] == ["Rolling update of app1", WATCH, "Rolling update of app2, app3"]
    assert "Monitoring deployment for 300s..." in messages(outcome)
    assert "The release does well on app1: the other hosts get it" in messages(outcome)
    assert [sum("start the guard" in asked for asked in host.asked) for host in hosts] == [1, 0, 0]


def test_what_does_badly_on_the_canary_host_goes_back_and_no_other_host_is_touched() -> None:
    hosts = three(replace(fresh(), verdict="back"))
    outcome = go(*hosts)
    assert outcome.code == 4
    assert (outcome.failed_step, str(outcome.error)) == (WATCH, REASON)
    for host in hosts:
        assert not untruths(host, fresh(), outcome, FOUND, FIRST, NEW), host.name
        assert host.world.current == FOUND
    assert not any(asked.startswith("replace ") for host in hosts[1:] for asked in host.asked)


def test_a_host_that_fails_later_takes_the_canary_host_back_too() -> None:
    hosts = three()
    hosts[2].world.sick = ("frontend",)
    outcome = go(*hosts)
    assert outcome.code == 4
    assert {host.world.current for host in hosts} == {FOUND}
    assert all(host.world.serving == fresh().serving for host in hosts)


def test_the_watch_of_a_canary_host_that_is_lost_takes_nothing_back_from_here() -> None:
    hosts = three(fault=Fault(0, ConnectionLost, named="follow the guard"))
    outcome = go(*hosts)
    assert outcome.code == 8
    assert outcome.error is not None
    assert "takes the release back" in outcome.error.message
    assert "inv deploy.recover" in outcome.error.hint


def test_a_guarded_deploy_watches_the_canary_host_first_and_then_all_of_them() -> None:
    hosts = three()
    for host in hosts:
        host.world.verdict = "agreed"
    outcome = go(*hosts, whole=True)
    assert outcome.code == 0
    assert [sum("start the guard" in asked for asked in host.asked) for host in hosts] == [2, 1, 1]
    said = messages(outcome)
    assert said.index("Monitoring deployment for 300s...") < said.index("Monitoring deployment for 600s...")


@pytest.mark.parametrize("names", [("app1",), NAMES])
def test_without_others_to_follow_or_somebody_to_judge_there_is_no_canary_host(
    names: tuple[str, ...],
) -> None:
    hosts = [SimHost(name) for name in names]
    outcome = go(*hosts, judge=len(names) == 1)
    assert outcome.code == 0
    assert WATCH not in steps(outcome)
    assert "Ingress" in steps(outcome)


def test_a_canary_host_that_does_not_answer_is_no_canary_host() -> None:
    hosts = three()
    outcome = go(*hosts, reach=lambda: Fleet(hosts[1:]))
    assert outcome.code == 3
    assert "no canary host is left" in str(outcome.error)
    assert outcome.error is not None
    assert "--skip app1" in outcome.error.hint
    assert not any(host.world.changed for host in hosts)
