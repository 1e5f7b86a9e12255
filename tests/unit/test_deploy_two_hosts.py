"""A deploy to two hosts: one after the other, and both or none."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from deploying import FIRST, Outcome, deploy, untruths
from simulated import Fault, SimHost
from simulated_world import NEW, OLD, fresh

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Message
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

ADOPTED = f"{FIRST}-{OLD[:7]}-adopted"
RELEASE = f"{FIRST}-{NEW[:7]}"


def pair(fault: Fault | None = None, **second: object) -> tuple[SimHost, SimHost, Outcome]:
    hosts = (SimHost("app1"), SimHost("app2", replace(fresh(), **second), fault))  # type: ignore[arg-type]
    return (*hosts, deploy(*hosts))


def test_both_hosts_serve_the_same_release() -> None:
    first, second, outcome = pair()
    assert outcome.code == 0
    assert first.world.current == second.world.current == RELEASE


def test_the_second_host_is_not_touched_before_the_first_is_healthy() -> None:
    order: list[str] = []

    class Watched(SimHost):
        def _answer(self, command: Command) -> Result:
            new = str(command).startswith("docker compose up") or command.script == "rollout/start_beside"
            if new and "ingress" not in str(command):
                order.append(self.name)
                begun = len(order)
                time.sleep(0.01)  # time enough for the other host to be early
                assert len(order) == begun, "both hosts are being updated at once"
            return super()._answer(command)

    deploy(Watched("app1"), Watched("app2"))
    assert order == ["app1", "app2", "app1", "app1", "app2", "app2", "app1", "app2"]


def test_a_sick_second_host_takes_the_first_one_back_too() -> None:
    first, second, outcome = pair(sick=("frontend",))
    assert outcome.code == 4
    assert outcome.error is not None
    assert outcome.error.host == "app2"
    for host in (first, second):
        assert host.world.serving == fresh().serving
        assert host.world.current == ADOPTED
        assert host.world.records()[RELEASE] == "FAILED"


def test_a_host_that_is_not_ready_keeps_both_untouched() -> None:
    first, second, outcome = pair(Fault(1, 1))
    assert outcome.code == 3
    assert outcome.error is not None
    assert outcome.error.host == "app2"
    assert first.world.changed == second.world.changed == []
    assert not first.holds


def test_a_lock_on_the_second_host_gives_the_first_one_back() -> None:
    first, second, outcome = pair(held_by="")
    assert outcome.code == 0
    first, second, outcome = pair(held_by='{"user": "bob", "machine": "desk"}')
    assert outcome.code == 7
    assert [hold.closed for hold in (*first.holds, *second.holds)] == [True, True]
    assert first.world.changed == second.world.changed == []


def test_hosts_that_disagree_on_a_branch_are_left_as_they_are() -> None:
    first, second, outcome = pair(Fault(0, named="^resolve", said="c" * 40 + "\n"))
    assert outcome.code == 4
    assert "the hosts do not agree on what 'v1.2.3' is" in str(outcome.error)
    assert first.world.serving == second.world.serving == fresh().serving


@pytest.mark.parametrize(
    "fault",
    [Fault(0, ConnectionLost, after=True), Fault(0, ConnectionLost, lasts=True)],
    ids=["answer lost", "gone for good"],
)
def test_whichever_command_of_the_second_host_fails_both_are_what_the_exit_code_says(fault: Fault) -> None:
    reference, _, _ = pair()
    wrong: list[str] = []
    for number, name in list(enumerate(reference.asked))[reference.asked.index("schedgen-lock") :]:
        first, second, outcome = pair(replace(fault, at=number))
        for host in (first, second):
            # A host that is gone for good cannot be asked to clean up its own images and records.
            if not (fault.lasts and host is second):
                found = untruths(host, fresh(), outcome, ADOPTED, FIRST, NEW)
                wrong += [
                    f"{number} {name[:50]}: {host.name}: exit {outcome.code}, but {text}" for text in found
                ]
        if outcome.code == 5 and first.world.current != RELEASE:
            lost = first.world.serving != fresh().serving
            wrong += [f"{number} {name[:50]}: app1 was not taken back"] if lost else []
    assert not wrong, "\n".join(wrong)


def test_each_message_names_its_host() -> None:
    _, _, outcome = pair()
    told = [
        event for event in outcome.events if isinstance(event, Message) and "backend updated" in event.text
    ]
    assert [event.host for event in told] == ["app1", "app2"]
