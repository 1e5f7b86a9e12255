"""What is named of a Swarm: by its managers' word, by the words of its containers, and by its nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import FakeHost, context
from kit import bash, path, program
from swarm_kit import swarm
from test_doctor_causes import LOCKED
from test_swarm_data import DB
from test_swarm_environment import node, service
from test_swarm_services import hosts, op, stopped
from test_tasks import Capture

from schedgen_ops.commands import swarm_trouble
from schedgen_ops.commands.docker import Docker
from schedgen_ops.doctor import on_swarm, post_mortem
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.doctor.on_swarm import Told
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.orchestrators.swarm.canary import CANARY_LABEL
from schedgen_ops.remote import Result
from schedgen_ops.verify.remote_commands import NOT_THERE

inv = test_tasks.inv
__all__ = ["inv", "op"]
NOW = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
NODES = (node(), node("app2", manager="Reachable", self=False), node("app3", manager="Reachable", self=False))
NO_NODE = "no suitable node (scheduling constraints not satisfied on 3 nodes)"


def attempt(why: str = "", state: str = "failed", age: int = 5, of: str = "web", **more: Any) -> str:
    """A container of a service, as the Swarm tells of it."""
    wanted = "shutdown" if state in ("failed", "rejected", "complete", "shutdown") else "running"
    known = {
        "of": of,
        "slot": 1,
        "on": "id-app2",
        "wanted": wanted,
        "is": state,
        "since": f"{NOW - timedelta(seconds=age):%Y-%m-%dT%H:%M:%S}.123456789Z",
        "why": why,
        "container": "c1",
        "definition": "aa",
        "forced": 1,
    }
    return json.dumps({**known, **more})


def ok(*lines: str) -> Result:
    return Result("\n".join(lines), "", 0, 0.1)


def found(
    *told: str, tasks: tuple[str, ...] = (), nodes: tuple[str, ...] = NODES, issue: int = 0, **more: Result
) -> list[Diagnosis]:
    """What is named of a Swarm with these services and containers."""
    results = {
        "swarm": ok(*nodes, *told),
        "tasks": ok(f'{{"now":{NOW.timestamp():.0f}}}', *tasks),
        "clock": ok(f"{NOW.timestamp():.0f}"),
    }
    settings = swarm()
    told_by = {"app1": Told(settings.hosts[0], {**results, **more}, NOW, NOW)}
    return list(on_swarm.judge(settings, told_by, issue)["app1"])


def only(*told: str, **more: Any) -> Diagnosis:
    (one,) = found(*told, **more)
    assert one.known
    return one


def test_nothing_is_named_of_a_swarm_that_is_well_nor_of_one_that_was_put_back() -> None:
    shut = [attempt(state="shutdown", age=age) for age in range(4)]
    other = [attempt("task: non-zero exit (1)", age=age, definition="bb") for age in range(9)]
    once = attempt("task: non-zero exit (1)")
    assert found(*service("web", "2/2"), *service("db"), tasks=(*shut, *other, once)) == []


@pytest.mark.parametrize(
    ("task", "cause", "text", "fix"),
    [
        (
            attempt("No such image: r/web@sha256:1", "rejected"),
            "image missing",
            "No such image",
            "`inv deploy`",
        ),
        (
            attempt(NO_NODE, "pending", on=""),
            "no suitable node",
            "asks for node.role == x",
            "deploy.placement",
        ),
        (
            attempt("no suitable node (insufficient resources on 3 nodes)", "pending", on=""),
            "no suitable node",
            "insufficient",
            "reservations",
        ),
        (
            attempt("no suitable node (host-mode port already in use on 1 node)", "pending", on=""),
            "port taken",
            "host-mode port",
            "inv ops.restart web",
        ),
        (
            attempt("driver failed: listen tcp4 0.0.0.0:3000: bind: address already in use"),
            "port taken",
            "address already in use",
            "end what has the port on app2",
        ),
        (attempt("task: non-zero exit (137)"), "out of memory", "for want of memory", "more memory"),
        (
            attempt("task: non-zero exit (137): dockerexec: unhealthy container"),
            "unhealthy",
            "unhealthy container",
            "inv rollback",
        ),
        (attempt("task: non-zero exit (1)"), "crashed", "non-zero exit (1)", "inv logs web"),
        (attempt("", "complete"), "crashed", "did not get healthy", "inv logs web"),
        (attempt("", "starting"), "not started yet", "1 of 2 containers of web run", "wait a minute"),
    ],
)
def test_what_a_service_lacks_is_named_with_the_swarms_own_reason(
    task: str, cause: str, text: str, fix: str
) -> None:
    about, more, *rest = service("web", "2/2")
    lacks = (about, json.dumps({**json.loads(more), "placed": ["node.role == x"]}), *rest[:1])
    one = only(*lacks, tasks=(task,))
    assert (one.cause, "1 of 2 containers of web run" in one.text) == (cause, True)
    assert (text in one.text, fix in one.fix, one.services) == (True, True, ("web",)), one
    assert one.evidence[0].startswith("web.1 ")


@pytest.mark.parametrize(
    ("facts", "text", "fix"),
    [
        ({"status": "Down", "manager": ""}, "its volume is on app2, which is lost", "start app2 again"),
        ({"availability": "Drain"}, "its volume is on app2, which is drained", "inv hosts.undrain app2"),
    ],
)
def test_a_service_whose_volume_is_on_a_node_that_is_away_names_that_node(
    facts: dict[str, str], text: str, fix: str
) -> None:
    about, more, *_ = service("store")
    tied = (about, json.dumps({**json.loads(more), "placed": ["node.id == id-app2"]}))
    nodes = (node(), node("app2", self=False, **facts))
    named = found(*tied, nodes=nodes, tasks=(attempt(NO_NODE, "pending", of="store", on=""),))
    (one,) = (each for each in named if each.services)
    assert (one.cause, text in one.text, one.fix.startswith(fix)) == ("node of its volume", True, True)


def test_nodes_that_are_lost_or_without_work_and_too_few_managers_are_named() -> None:
    lost = node("app3", status="Down", manager="Unreachable", self=False)
    drained = node("app2", availability="Drain", manager="Reachable", self=False)
    named = {one.cause: one for one in found(*service("web"), nodes=(NODES[0], drained, lost))}
    assert [*named] == ["node without work", "node lost", "quorum at risk"]
    assert named["node without work"].fix == "inv hosts.undrain app2"
    assert "app3 is down" in named["node lost"].text
    assert "2 of 3 managers are there, and 2 are needed" in named["quorum at risk"].text
    two = only(*service("web"), nodes=NODES[:2])
    assert (two.cause, "there are 2 managers" in two.text) == ("quorum at risk", True)
    assert found(*service("web"), nodes=(NODES[0], node("w", manager="", self=False))) == []


def test_an_update_that_was_given_up_or_stands_still_is_named_with_what_goes_on() -> None:
    image = attempt("No such image: r/web@sha256:1", "rejected")
    given_up = service("web", "2/2", "paused", "update paused due to failure")
    one = only(*given_up, tasks=(image,))
    assert (one.cause, "given up, 2 of 2 run: No such image" in one.text) == ("update paused", True)
    assert "`inv deploy` pushes the image again" in one.fix
    died = only(*given_up, tasks=(attempt("task: non-zero exit (1)"),))
    assert died.fix == "inv ops.restart web begins it anew; inv rollback"
    silent = only(*given_up)
    assert "update paused due to failure" in silent.text
    still = service("web", "2/2", "updating", "update in progress")
    one = only(*still, tasks=(attempt("", "running", age=90),))
    assert (one.cause, "inv ops.restart web" in one.fix) == ("update stands still", True)
    assert found(*still, tasks=(attempt("", "running", age=30),)) == []


def test_what_ends_again_and_again_is_named_though_all_run_just_now() -> None:
    ended = tuple(attempt("task: non-zero exit (1)", age=100 * number) for number in range(1, 4))
    one = only(*service("web", "2/2"), tasks=ended)
    assert (one.cause, "web ended 3 times within 10 min" in one.text) == ("restarting", True), one
    assert found(*service("web", "2/2"), tasks=ended, issue=2) == []
    restarted = attempt("", "running", age=9, forced=2)
    assert found(*service("web", "2/2"), tasks=(*ended, restarted)) == []
    never = tuple(attempt("No such image: x", "rejected", age=number) for number in range(3))
    assert found(*service("web", "2/2"), tasks=never) == []


def test_what_was_stopped_or_is_gone_and_what_a_release_lacks_is_named_with_what_starts_it() -> None:
    gone = ('{"released":"web"}', '{"released":"api"}', '{"lacks":"api","named":"shop_motd_12"}')
    one, other, third = found(*stopped("web", 2), tasks=gone)
    assert (one.cause, one.fix, "shop_motd_12, which api" in one.text) == (
        "config missing",
        "inv deploy",
        True,
    )
    assert (other.cause, other.fix) == ("no container", "inv ops.start api")
    assert (third.cause, third.fix) == ("stopped", "inv ops.start web")


@pytest.mark.parametrize(
    ("said", "code", "cause", "known"),
    [
        ("Error response: rpc error: The swarm does not have a leader.", 1, "no quorum", True),
        ("This node is not a swarm manager.", 1, "no manager", True),
        ("", 124, "Swarm", False),
    ],
)
def test_a_swarm_that_nobody_can_tell_anything_is_named_alone(
    said: str, code: int, cause: str, known: bool
) -> None:
    silent = Result("", said, code, 0.1)
    (one,) = found(swarm=silent, tasks_=silent)
    assert (one.cause, one.known) == (cause, known)


def test_an_answer_that_cannot_be_read_is_unknown_and_never_well() -> None:
    named = found(*service("web"), tasks=("{",))
    assert [(one.cause, one.known) for one in named] == [("config missing", False), ("service", False)]


def test_nodes_tell_of_themselves_and_what_several_say_is_said_once() -> None:
    settings = swarm(
        database=DB,
        limits={"disk_free_gb": 1},
        migrations={
            "service": "web",
            "path": "m",
            "run": ["a"],
            "show": ["b"],
            "applied": "^A (.+)$",
            "pending": "^P (.+)$",
        },
    )
    results = {
        "swarm": ok(*NODES, *service("web"), *service("db")),
        "tasks": ok(f'{{"now":{NOW.timestamp():.0f}}}'),
    }
    not_there = Result("", "", NOT_THERE, 0.1)
    pending = ok("A One", "P Two")
    late = ok(f"{NOW.timestamp() - 90:.0f}")
    clock = ok(f"{NOW.timestamp():.0f}")
    full = ok("/srv/shop\t9999\t5000000\t6000000")
    told = {
        "app1": Told(
            settings.hosts[0],
            {**results, "clock": clock, "migrations": pending, "database": not_there},
            NOW,
            NOW,
        ),
        "app2": Told(
            settings.hosts[1],
            {
                "swarm": not_there,
                "tasks": not_there,
                "clock": late,
                "rooms": full,
                "migrations": pending,
                "database": ok(LOCKED.partition("CreateJobs")[0]),
            },
            NOW,
            NOW,
        ),
    }
    named = on_swarm.judge(settings, told)
    assert [one.cause for one in named["app1"]] == ["migrations pending"]
    by = {one.cause: one for one in named["app2"]}
    assert [*by] == ["disk space", "database locked", "clock"]
    # There is one database on a Swarm, wherever it is.
    assert by["database locked"].fix == "inv ops.end-session 1591"
    assert "90 s behind" in by["clock"].text or "89 s behind" in by["clock"].text


def test_what_a_lost_node_or_a_database_that_is_away_explains_is_said_once() -> None:
    settings = swarm(database=DB)
    results = {
        "swarm": ok(*NODES, *service("db", "0/1")),
        "tasks": ok(f'{{"now":{NOW.timestamp():.0f}}}', attempt("No such image: x", "rejected", of="db")),
        "clock": ok(f"{NOW.timestamp():.0f}"),
        "database": Result("", "psql: connection refused", 2, 0.1),
    }
    told = {"app1": Told(settings.hosts[0], results, NOW, NOW)}
    assert [one.cause for one in on_swarm.judge(settings, told)["app1"]] == ["image missing"]


def test_a_manager_that_is_away_is_no_reason_to_know_nothing() -> None:
    settings = swarm()
    lost = (node(status="Down", manager="Unreachable"), NODES[1], NODES[2])
    results = {
        "swarm": ok(*lost, *service("web")),
        "tasks": ok('{"now":1}'),
        "clock": ok(f"{NOW.timestamp():.0f}"),
    }
    named = on_swarm.judge(settings, {"app2": Told(settings.hosts[1], results, NOW, NOW)})
    assert [one.cause for one in named["app2"]] == ["node lost", "quorum at risk"]


def test_after_a_failed_run_a_node_that_is_silent_hides_no_other() -> None:
    settings = swarm()
    silent = FakeHost("app2", {(lambda _: True): ConnectionLost("it is gone")})
    answers = {"look at the Swarm": "\n".join((*NODES, *stopped("web", 2))), (lambda _: True): ""}
    answers["look at what ended in the Swarm"] = '{"now":1}'
    named = post_mortem.look_at_swarm(
        [context(FakeHost("app1", answers), settings), context(silent, settings)], 5.0
    )
    assert [one.cause for one in named["app2"]] == [post_mortem.NOT_ASKED]
    assert "stopped" in [one.cause for one in named["app1"]]


# The task

Op = Callable[..., int]


def told_by(monkeypatch: pytest.MonkeyPatch, *told: str) -> None:
    """Has every node say the same."""

    def ask(host: Any, deadline: float, issue: int = 0) -> Told:
        results: Mapping[str, Result] = {
            "swarm": ok(*NODES, *told),
            "tasks": ok(f'{{"now":{NOW.timestamp():.0f}}}'),
            "clock": ok(f"{NOW.timestamp():.0f}"),
        }
        return Told(host.entry, results, NOW, NOW)

    monkeypatch.setattr(on_swarm, "ask", ask)


def test_doctor_says_that_nothing_is_wrong_or_what_is_and_ends_with_6(
    op: Op, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_by(monkeypatch, *service("web", "2/2"))
    assert op("doctor", on=hosts()) == 0
    assert "Nothing is wrong: " in capsys.readouterr().out
    told_by(monkeypatch, *stopped("web", 2))
    assert op("doctor", on=hosts()) == 6
    said = capsys.readouterr()
    assert "web was stopped by hand, and had 2" in said.out
    assert "inv ops.start web" in said.err


def test_a_node_that_does_not_answer_hides_nothing_of_the_others(
    op: Op, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_by(monkeypatch, *stopped("web", 2))
    plain = on_swarm.ask

    def ask(host: Any, deadline: float, issue: int = 0) -> Told:
        if host.name == "app3":
            raise ConnectionLost("it is gone", host="app3")
        return plain(host, deadline, issue)

    monkeypatch.setattr(on_swarm, "ask", ask)
    assert op("doctor", on=hosts()) == 6
    assert "web was stopped by hand" in capsys.readouterr().out


# The script

_DOCKER = r"""
cd -- "$FAKE" || exit 9
case "$*" in
  'service ls --quiet '*) cat ids 2> /dev/null || true ;;
  'service ps --quiet '*) [ ! -e silent ] || exit 1; echo t1 ;;
  'inspect --type task '*) echo '{"of":"web"}' ;;
  'config ls '*) printf 'shop_motd_1\n' ;;
  'secret ls '*) ;;
  'network ls '*) printf 'shop_default\n' ;;
  *) exit 9 ;;
esac
"""


def test_a_manager_tells_what_ended_and_what_the_release_that_serves_needs(tmp_path: Path) -> None:
    program(tmp_path, "docker", f"FAKE={tmp_path}\n{_DOCKER}")
    (tmp_path / "ids").write_text("i1\n")
    folder = tmp_path / "state/releases/r1/swarm"
    folder.mkdir(parents=True)
    (tmp_path / "state/current").write_text("r1\n")
    lasting = {"deploy": {"restart_policy": {"condition": "any"}}}
    text = {
        "configs": {name: {"external": True, "name": f"shop_{name}_1"} for name in ("motd", "other")},
        "networks": {"default": {"driver": "overlay", "name": "shop_default"}},
    }
    job = {"deploy": {"restart_policy": {"condition": "none"}}}
    canary = {"deploy": {"labels": {CANARY_LABEL: "web"}, **lasting["deploy"]}}
    for name, said in (
        ("web", {**text, "services": {"web": lasting}}),
        ("schedgen-canary-web", {"services": {"schedgen-canary-web": canary}}),
        ("jobs", {"services": {"jobs": job}}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(said, indent=1, sort_keys=True))
    command = swarm_trouble.ask(Docker(False), "shop", str(tmp_path / "state"))
    result = bash(command, tmp_path, PATH=path(tmp_path))
    lines = [json.loads(line) for line in result.lines()]
    assert {"of": "web"} in lines
    assert lines[2:] == [{"released": "web"}, {"lacks": "web", "named": "shop_other_1"}]
    (tmp_path / "silent").touch()
    assert bash(command, tmp_path, PATH=path(tmp_path)).code != 0
