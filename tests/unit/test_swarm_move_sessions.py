"""A move from Compose: in which order it is done, and what puts right one that was interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fakes import FakeHost, context
from swarm_kit import swarm
from test_swarm_rolling import host_run, manager, release, told

from schedgen_ops.cli.swarm import Kind, session_of
from schedgen_ops.commands.registry import Login
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import CommandFailed, ConnectionLost, OpsError, Refused
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.preflight import nodes
from schedgen_ops.release.record import Release, State
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.swarm import move
from schedgen_ops.swarm.move_session import MoveSession, RightingSession
from schedgen_ops.swarm.session import SwarmSession

LOOK, AWAY, BACK, OVER = (
    "look at what Compose runs",
    "stop what Compose runs",
    "start what Compose ran",
    "remove what Compose ran",
)
OLD, NEW = release("1", "web"), release("2", "web", state=State.STARTED, reached=True, moves=True)


def survey(node: str, *runs: str, moved: str = "") -> str:
    """What a node says of the project."""
    lines: list[dict[str, Any]] = [{"node": node}]
    lines += [
        {
            "box": f"/shop-{name}-1",
            "labels": {"com.docker.compose.service": name},
            "status": "running",
            "ports": {},
        }
        for name in runs
    ]
    lines += [{"moved": moved}] if moved else []
    return "\n".join(map(json.dumps, lines))


def hosts(*surveys: Any, **answers: Any) -> tuple[FakeHost, ...]:
    """The manager and other nodes, and the order in which what matters is done on any of them."""
    made = (manager(), *(FakeHost(f"app{number}") for number in range(2, len(surveys) + 1)))
    for host, said in zip(made, surveys, strict=True):
        known = {
            "look for the data": "",
            "true": "",
            AWAY: "",
            BACK: "started 2\n",
            OVER: "removed 2\n",
            **answers,
        }
        host.answers |= {LOOK: said, **known}
    return made


def session(kind: type[Kind], made: tuple[FakeHost, ...], *begun: Release) -> Kind:
    settings, nodes_ = swarm(), Fleet(made)
    run = host_run(made[0], OLD, None, *begun)
    run.context = context(made[0], settings)
    run.seen = replace(run.seen, shelf=replace(run.seen.shelf, written=run.seen.shelf.current))
    owner = lock.myself(run.clock, "move", "v2")
    on = kind(settings, nodes_.only(["app1"]), None, "run", run.clock, silence, owner, nodes=nodes_)
    on.host_runs = (run,)
    return on


def did(*made: FakeHost) -> list[tuple[str, str]]:
    """What was done to Compose's containers, by host."""
    titles = (AWAY, BACK, OVER)
    return [(host.name, each.title) for host in made for each in host.commands if each.title in titles]


def test_nothing_is_moved_over_a_move_that_was_interrupted() -> None:
    made = hosts(survey("id1", "web"), survey("id2", moved="r1"))
    with pytest.raises(Refused, match="an earlier move was interrupted") as found:
        session(MoveSession, made).recover()
    assert (found.value.host, "`inv deploy.recover`" in found.value.hint) == ("app2", True)
    assert did(*made) == []


def test_nothing_is_moved_where_a_run_of_composes_was_interrupted_or_a_node_is_silent() -> None:
    begun = release("2", "web", state=State.STARTED, reached=True)
    with pytest.raises(Refused, match="was interrupted while Compose ran") as found:
        session(MoveSession, hosts(survey("id1", "web"), survey("id2")), begun).recover()
    assert "`orchestrator: compose`" in found.value.hint
    made = hosts(survey("id1", "web"), ConnectionLost("gone"))
    with pytest.raises(ConnectionLost):
        session(MoveSession, made).recover()
    assert told(made[0]) == []


def test_nothing_is_moved_while_visitors_are_turned_away() -> None:
    """The Swarm's ingresses would let them in."""
    away = "visitors of web are turned away (me)\n1700000000\n"
    made = hosts(survey("id1"), survey("id2", "web"), **{"are visitors let in": away})
    on = session(MoveSession, made)
    on.recover()
    with pytest.raises(Refused, match=r"visitors of web are turned away \(me\), and the move") as found:
        move._refuse_closed(on)
    assert (found.value.host, did(*made)) == ("app2", [])


def test_a_move_notes_in_its_record_what_it_is_before_anything_is_stopped() -> None:
    made = hosts(survey("id1", "web"), survey("id2", "db"))
    on = session(MoveSession, made)
    on.recover()
    assert on.composed == {"app1": ("web",), "app2": ("db",)}
    on.at_work.new = release("2", "web", state=State.STARTED, moves=True)
    move._stop(on)
    assert did(*made) == [("app1", AWAY), ("app2", AWAY)]
    (record,) = (
        number for number, each in enumerate(made[0].commands) if '"reached":true' in str(each.stdin)
    )
    (stopped,) = (number for number, each in enumerate(made[0].commands) if each.title == AWAY)
    assert record < stopped


def test_an_interrupted_move_is_taken_back_stack_first() -> None:
    """Whoever has the ports and the volumes is gone before Compose's containers come again."""
    order: list[str] = []
    made = hosts(
        [survey("id1", moved=NEW.id), survey("id1", "web")], [survey("id2", moved=NEW.id), survey("id2")]
    )

    def back(_: Command) -> str:
        order.append("back" if told(made[0]) == [("remove", "", ())] else "too early")
        return "started 2\n"

    for host in made:
        host.answers[BACK] = back
    on = session(RightingSession, made, NEW)
    on.recover()
    assert order == ["back", "back"]
    assert told(made[0]) == [("remove", "", ())]
    assert "Compose runs what it ran" in on.at_work.righted
    assert on.composed == {"app1": ("web",)}
    assert any('"state":"FAILED"' in str(command.stdin) for command in made[0].commands)


def test_a_move_whose_taking_back_fails_stays_begun() -> None:
    made = hosts(survey("id1", moved=NEW.id), survey("id2"), **{BACK: CommandFailed("no", detail="no port")})
    with pytest.raises(OpsError, match="was stopped, and does not run again: no port"):
        session(RightingSession, made, NEW).recover()
    assert not any('"state":"FAILED"' in str(command.stdin) for command in made[0].commands)
    silent = hosts(survey("id1", moved=NEW.id), ConnectionLost("gone"))
    with pytest.raises(ConnectionLost):
        session(RightingSession, silent, NEW).recover()
    # Those that answer were not made to wait for the one that does not.
    assert did(*silent) == [("app1", BACK)]
    assert not any('"state":"FAILED"' in str(command.stdin) for command in silent[0].commands)


def test_a_move_that_only_had_to_clean_up_is_ended() -> None:
    made = hosts([survey("id1", moved=OLD.id), survey("id1")], survey("id2"))
    on = session(RightingSession, made)
    on.recover()
    assert did(*made) == [("app1", OVER)]
    assert told(made[0]) == []
    assert on.at_work.righted == "what Compose ran before the move was removed"


def test_other_runs_refuse_to_go_on_over_half_a_move() -> None:
    """Compose's too, which has no means to take the stack away."""
    made = hosts(survey("id1"), survey("id2"))
    for kind in (SwarmSession, Session):
        on = session(SwarmSession, made, NEW)
        with pytest.raises(Refused, match="the move to a Swarm was interrupted") as found:
            kind.recover(on)
        assert "`inv deploy.recover`" in found.value.hint
    assert told(made[0]) == []


def test_a_move_that_was_interrupted_while_it_built_is_in_nobodys_way() -> None:
    """Compose serves; the next move goes on, and says of itself what it is."""
    begun = release("2", "web", state=State.STARTED, moves=True)
    made = hosts(survey("id1", "web"), survey("id2"))
    on = session(MoveSession, made, begun)
    on.recover()
    assert (told(made[0]), did(*made)) == ([], [])
    assert any('"state":"FAILED"' in str(command.stdin) for command in made[0].commands)
    assert on.release("a" * 40, "v2").moves


def test_who_signs_in_does_so_in_every_run_before_anything_is_changed() -> None:
    def none() -> Login:
        raise Refused("no password")

    made = hosts(survey("id1"), survey("id2"))
    on = session(SwarmSession, made, release("2", "web", state=State.STARTED, reached=True))
    plain = Session(on.settings, on.fleet, None, "run", on.clock, silence, on.owner)
    assert (
        session_of(cast(Any, SimpleNamespace(sign_in=none, nodes=on.nodes)), plain, SwarmSession).sign_in
        is none
    )
    on.sign_in = none
    with pytest.raises(Refused, match="no password"):
        on.recover()
    assert told(made[0]) == []


def test_only_a_move_passes_over_what_compose_runs() -> None:
    said = Result('{"name":"/shop-web-1","labels":{}}', "", 0, 0.0)
    assert [problem.refuses for problem in nodes.no_compose(swarm())(said)] == [True]
    assert list(nodes.no_compose(swarm(), may_run=True)(said)) == []
