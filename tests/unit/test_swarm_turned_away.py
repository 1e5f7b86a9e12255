"""Visitors turned away on a Swarm: each node's ingress told, all or none, and what is noted of it."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from engine_stub import Engine
from fakes import FakeHost, context, result
from kit import bash
from swarm_kit import swarm
from test_swarm_environment import line, node, service
from test_swarm_rolling import _script
from test_swarm_services import R1, hosts, op
from test_swarm_shut import session
from test_tasks import Capture

from schedgen_ops.commands import maintenance as look
from schedgen_ops.commands import swarm_page
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm_page import Noted
from schedgen_ops.errors import ConfigError, ConnectionLost, OpsError, Unreachable
from schedgen_ops.events import Event, Message
from schedgen_ops.guard.run import Watching
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import Closing
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.swarm import canary, run
from schedgen_ops.swarm.guarding import NodesWatching
from schedgen_ops.swarm.session import SwarmSession

inv = test_tasks.inv
__all__ = ["inv", "op"]
WHAT = "visitors of all services are turned away (me)"
PAGE = b"<h1>Back soon</h1>"
CLOSING = Closing(PAGE, what=WHAT)
SUM = sha256(maintenance.page(swarm())).hexdigest()
MAP = "/etc/schedgen-ingress/maintenance.map"


# What a node does


class Door:
    """A node whose port answers as its ingress was told at last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engine = Engine(root)
        self.engine.has("schedgen-ingress")
        self.deaf = False
        self.stuck = False
        door = self

        class Visit(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                closed = (door.told().startswith("ask add") and not door.deaf) or door.stuck
                said = b"503 Gone\r\nRetry-After: 60" if closed else b"200 OK"
                self.wfile.write(b"HTTP/1.1 " + said + b"\r\n\r\n")

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visit)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.engine.say(published=f"{self.port}/tcp -> 0.0.0.0:{self.port}", page=PAGE.decode())

    def told(self) -> str:
        """What its ingress was told of visitors at last."""
        told = [each for each in self.engine.log if MAP in each and not each.startswith("ask show")]
        return told[-1] if told else ""

    def turn(self, closing: Closing | None, switch: str = "yes") -> Result:
        settings, known = swarm(), {f"web_{self.port}": True}
        how = {**maintenance.closed(settings, known, closing), **maintenance.asked(known), "switch": switch}
        state = str(self.engine.state)
        return self.engine.run(swarm_page.tell(Docker(), "schedgen", "haproxy", state, how))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_visitors_of_a_node_get_its_page_until_they_are_let_in_and_its_port_says_so(door: Door) -> None:
    answer = door.turn(CLOSING)
    page = sha256(PAGE + b"\n").hexdigest()
    assert (answer.ok, answer.lines()) == (True, (f"{door.port} page", f"page {page}")), answer
    assert door.told() == f"ask add map @7 {MAP} * page:60:0:-;commit map @7 {MAP}"
    answer = door.turn(None)
    assert (answer.ok, answer.lines()) == (True, (f"{door.port} open",)), answer
    assert door.told() == f"ask clear map {MAP}"
    assert not [path for path in door.engine.state.rglob("*") if path.suffix in (".map", ".html")]


def test_a_node_whose_visitors_get_something_else_lets_them_in_again(door: Door) -> None:
    door.deaf = True
    answer = door.turn(CLOSING)
    assert (answer.code, f"a visitor of port {door.port} gets: open, not: page" in answer.stderr) == (1, True)
    assert door.told() == f"ask clear map {MAP}"


def test_a_node_that_lets_in_and_answers_otherwise_says_so(door: Door) -> None:
    door.stuck = True
    answer = door.turn(None)
    assert (answer.code, door.told()) == (swarm_page.LET_IN, f"ask clear map {MAP}")


def test_a_port_can_be_asked_without_anything_being_told(door: Door) -> None:
    before = len(door.engine.log)
    answer = door.turn(CLOSING, "no")
    assert (answer.ok, "gets: open, not: page" in answer.stderr) == (False, True)
    assert door.engine.log[before:] == []


@pytest.mark.parametrize(("said", "code"), [({"unmapped": ""}, 11), ({"refuses": "exec"}, 1)])
def test_an_ingress_that_cannot_be_told_is_no_success(door: Door, said: Any, code: int) -> None:
    door.engine.say(**said)
    assert door.turn(CLOSING).code == code


def test_where_no_ingress_runs_that_is_said(door: Door) -> None:
    (door.engine.root / "containers/1").write_text("schedgen-ingress exited none r1\n")
    assert door.turn(CLOSING).code == maintenance.NO_INGRESS
    (door.engine.root / "containers/1").unlink()
    assert door.turn(None).code == maintenance.NO_INGRESS


def test_an_ingress_that_starts_meanwhile_is_told_at_once(door: Door) -> None:
    how = maintenance.closed(swarm(), {"web_1": True}, CLOSING)
    command = swarm_page.follow(Docker(), "schedgen", "haproxy", 2, how)
    later = threading.Timer(0.8, lambda: door.engine.has("schedgen-ingress"))
    later.start()
    assert door.engine.run(command).ok
    later.join()
    assert len([each for each in door.engine.log if "commit map" in each]) == 2


def test_what_is_noted_is_read_as_it_was_written_and_says_since_when(tmp_path: Path) -> None:
    path = str(tmp_path / "a folder" / "closed")
    noted = Noted("visitors of web are turned away (o'me)", ("web",), 30, True)
    assert bash(swarm_page.note(path, noted), tmp_path).ok
    found = swarm_page.parse(bash(swarm_page.noted(path), tmp_path).stdout)
    assert found
    assert (replace(found, since=0), abs(found.since - Path(path).stat().st_mtime) < 2) == (noted, True)
    assert bash(swarm_page.note(path, replace(noted, since=1000)), tmp_path).ok
    told = look.parse(bash(look.look(str(tmp_path / "a folder")), tmp_path).stdout)
    assert (told.what, told.by, told.since) == (noted.what, "o'me", "1970-01-01T00:16:40+00:00")
    assert bash(swarm_page.forget(path), tmp_path).ok
    assert swarm_page.parse(bash(swarm_page.noted(path), tmp_path).stdout) is None


@pytest.mark.parametrize("text", ["visitors are away\n1700000000\n", "x\n{}\n1\n", 'x\n{"services": 1}\n1\n'])
def test_a_note_that_does_not_say_how_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="does not say how"):
        swarm_page.parse(text)


# What the task does


def told_of(host: FakeHost) -> list[tuple[str, ...]]:
    """The routes whose visitors the node was told to turn away, each time."""
    found = (dict(each.values) for each in host.commands if each.script == "swarm/maintenance")
    return [tuple(each["routes"]) for each in found]  # type: ignore[arg-type]


def notes(host: FakeHost) -> list[str]:
    wanted = ("note who is turned away", "forget who was turned away", "tell the ingress of visitors")
    return [each.title.split()[0] for each in host.commands if each.title in wanted]


def page(command: Command) -> Result | str:
    return f"3000 page\npage {SUM}\n" if dict(command.values)["routes"] else "3000 open\n"


def nodes(*answers: Any, **more: Any) -> list[FakeHost]:
    made = hosts(**more)
    for each, answer in zip(made, (*answers, page, page, page), strict=False):
        each.answers = {_script("swarm/maintenance"): answer, **each.answers}
    return made


def failing(stderr: str, code: int = 1) -> Callable[[Command], Result | str]:
    return lambda command: (
        result(stderr=stderr, code=code) if dict(command.values)["routes"] else "3000 open\n"
    )


def gone(_: Command) -> Result:
    raise Unreachable("no route to host")


def test_every_node_is_told_after_it_was_noted_and_lets_in_before_it_is_forgotten(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = nodes()
    assert op("ops.maintenance", "on", "--yes", on=on) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert all(f"{each.name}: Port 3000 answers visitors with the page" in said for each in on), said
    assert [told_of(each) for each in on] == [[("*",)]] * 3
    assert notes(on[0]) == ["note", "tell"]
    assert "schedgen-lock" in [each.title for each in on[0].commands]
    on = nodes()
    assert op("ops.maintenance", "off", on=on) == 0, capsys.readouterr().err
    assert [told_of(each) for each in on] == [[()]] * 3
    assert notes(on[0]) == ["tell", "forget"]


def test_one_service_can_be_closed_and_another_page_than_the_deployed_one_is_told(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = nodes("3000 page\npage 0123\n")
    assert op("ops.maintenance", "on", "--services", "web", "--hold", "30", "--health", "--yes", on=on) == 0
    captured = capsys.readouterr()
    assert "page of the last deploy" in captured.out + captured.err
    assert told_of(on[1]) == [("web_3000",)]
    values = next(dict(each.values) for each in on[1].commands if each.script == "swarm/maintenance")
    assert (values["wait"], values["health"], values["raw"]) == (30, "health", ())
    written = next(each for each in on[0].commands if each.title == "note who is turned away")
    noted = swarm_page.parse(str(written.stdin) + "1700000000\n")
    assert noted
    assert (noted.services, noted.hold, noted.health) == (("web",), 30, True)


def test_where_one_node_cannot_be_told_all_let_visitors_in_again(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = nodes(page, failing("a visitor of port 3000 gets: open, not: page"))
    assert op("ops.maintenance", "on", "--yes", on=on) == 5
    said = capsys.readouterr().err
    assert re.search(r"ERROR: a visitor of port 3000 gets: open, not: page\n  host: +app2", said), said
    assert re.search(r"outcome: all nodes let visitors in$", said, re.MULTILINE), said
    assert [told_of(each) for each in on] == [[("*",), ()]] * 3
    assert notes(on[0]) == ["note", "tell", "tell", "forget"]


def test_where_a_connection_dies_meanwhile_it_stays_noted(op: Callable[..., int], capsys: Capture) -> None:
    def lost(_: Command) -> Result:
        raise ConnectionLost("lost")

    on = nodes(page, lost)
    assert op("ops.maintenance", "on", "--yes", on=on) != 0
    assert "outcome: visitors of app2 may still be turned away" in capsys.readouterr().err
    assert notes(on[0]) == ["note", "tell", "tell"]
    assert told_of(on[2]) == [("*",), ()]


def test_a_node_that_does_not_answer_is_named_before_and_the_others_are_told(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = nodes()
    on[2].answers = {(lambda each: each.text == "true"): gone, **on[2].answers}
    assert op("ops.maintenance", "on", "--yes", on=on) == 0
    captured = capsys.readouterr()
    assert "app3 does not answer: its visitors are not turned away" in captured.out + captured.err
    assert [told_of(each) for each in on] == [[("*",)], [("*",)], []]


def test_off_says_where_visitors_may_still_be_turned_away(op: Callable[..., int], capsys: Capture) -> None:
    on = nodes(page, gone)
    assert op("ops.maintenance", "off", on=on) == 8
    assert "outcome: visitors of app2 may still be turned away" in capsys.readouterr().err
    assert (told_of(on[2]), notes(on[0])) == ([()], ["tell"])


def test_off_is_off_where_what_is_behind_does_not_answer(op: Callable[..., int], capsys: Capture) -> None:
    bad = result(stderr="a visitor of port 3000 gets: nothing, not: open", code=swarm_page.LET_IN)
    on = nodes(page, lambda _: bad)
    assert op("ops.maintenance", "off", on=on) == 5
    assert "visitors are let in, but a visitor of port 3000 gets: nothing" in capsys.readouterr().err
    assert notes(on[0]) == ["tell", "forget"]


@pytest.mark.parametrize(("there", "code"), [((), 0), (("app2",), 5)])
def test_a_node_without_an_ingress_is_in_order_only_where_it_is_to_have_none(
    op: Callable[..., int], capsys: Capture, there: tuple[str, ...], code: int
) -> None:
    """As on one that is drained, or that `swarm.ingress_on` leaves out."""
    about, more, *_ = service("schedgen-ingress")
    tasks = [
        line(task=f"shop_schedgen-ingress.{each}", on=each, **{"is": "Starting 1 second ago"}, error="")
        for each in ("app1", "app3", *there)
    ]
    on = nodes(page, failing("", maintenance.NO_INGRESS))
    for each in on:
        each.answers["look for volumes"] = f"id-{each.name}\n"
    told = (node(), node("app2", self=False), node("app3", self=False), about, more, *tasks)
    on[0].answers["look at the Swarm"] = "\n".join((*told, *service("web", "2/2")))
    assert op("ops.maintenance", "on", "--yes", on=on) == code
    captured = capsys.readouterr()
    assert ("app2: no ingress runs" in captured.out) == (code == 0)
    assert ("ERROR: the ingress does not run here\n  host:    app2" in captured.err) == (code != 0)


def test_hosts_mean_nothing_and_what_is_not_behind_the_ingress_is_refused(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = nodes()
    assert op("ops.maintenance", "on", "--hosts", "app1", "--yes", on=on) == 2
    assert op("ops.maintenance", "on", "--services", "store", "--yes", on=on) == 3
    assert "not behind the ingress: store" in capsys.readouterr().err
    assert [told_of(each) for each in on] == [[], [], []]


def test_a_page_that_a_swarm_cannot_keep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigError, match="UTF-8"):
        maintenance.page_text(swarm(ingress={"page": str(tmp_path / "page.html")}))


# What is said of it, and while ingresses are replaced

NOTE = f'{WHAT}\n{{"services": [], "hold": 0, "health": false}}\n1700000000\n'


def noting(text: str = NOTE, *answers: Any) -> list[FakeHost]:
    on = nodes(*answers)
    known: dict[Any, Any] = {"who is turned away": text}
    if text:
        known["are visitors let in"] = f"{text.splitlines()[0]}\n1700000000\n"
    on[0].answers = {**known, **on[0].answers}
    return on


def test_status_says_since_when_and_by_whom_and_where_it_is_not_so(
    op: Callable[..., int], capsys: Capture
) -> None:
    bad = result(stderr="a visitor of port 3000 gets: open, not: page", code=1)
    on = noting(NOTE, page, lambda _: bad)
    assert op("status", on=on) == 0
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert f"Maintenance: {WHAT}, since 2023-11-14T22:13:20+00:00" in said
    assert re.search(r"Maintenance: not so on app2.*gets: open, not: page", said), said
    assert "not so on app3" not in said
    asked = [dict(each.values)["switch"] for each in on[2].commands if each.script == "swarm/maintenance"]
    assert asked == ["no"]
    on = noting("")
    assert (op("status", on=on), told_of(on[1])) == (0, [])
    assert "Maintenance" not in capsys.readouterr().out


def kept(on: list[FakeHost], release: Any = R1) -> str:
    """What was said while the ingresses became those of a release."""
    said: list[Event] = []
    made = session(swarm(), *on)
    made.at_work.context = replace(context(on[0], swarm()), emit=said.append)
    made.emit = said.append
    with made.ingresses.replaced(release):
        pass
    return "\n".join(f"{each.level} {each.text}" for each in said if isinstance(each, Message))


def test_who_is_turned_away_stays_so_while_ingresses_are_replaced() -> None:
    on = noting()
    assert kept(on) == f"info As before {WHAT}: told app1, app2, app3"
    assert [told_of(each) for each in on] == [[("*",)]] * 3
    assert all("swarm/keep_away" in [each.script for each in host.commands] for host in on)


def scripts(host: FakeHost) -> list[str]:
    """What was done to the stack and its ingresses, in order; each look for a new ingress once."""
    found = [each.script for each in host.commands if each.script in ("swarm/roll", "swarm/maintenance")]
    return [each.removeprefix("swarm/") for each in found]


def in_a_deploy(*touched: str) -> tuple[list[FakeHost], SwarmSession]:
    """A run on nodes whose visitors are turned away, with a release behind the ingress before and after."""
    on = noting()
    made = session(swarm(), *on)
    made.at_work.old, made.at_work.new = R1, replace(R1, id=ReleaseId("20250115_120002-aaaaaaa"))
    made.at_work.touched[:] = touched
    return on, made


def test_a_deploy_tells_ingresses_anew_once_they_are_replaced() -> None:
    on, made = in_a_deploy()
    run.open_ingress(made, begins=False).run()
    assert [scripts(each) for each in on] == [["roll", "maintenance"], ["maintenance"], ["maintenance"]]


def test_so_does_the_way_back_where_it_touched_the_ingress() -> None:
    on, made = in_a_deploy("web", "schedgen-ingress")
    canary.undoing(made)()
    canary.undoing(made)()
    assert [scripts(each) for each in on] == [["roll", "maintenance"], ["maintenance"], ["maintenance"]]
    on, made = in_a_deploy("web")
    canary.undoing(made)()
    assert [scripts(each) for each in on] == [["roll"], [], []]


def test_so_does_a_guarded_deploy_that_the_manager_took_back(monkeypatch: pytest.MonkeyPatch) -> None:
    on, made = in_a_deploy("web", "schedgen-ingress")

    def watch(watching: Watching) -> None:
        made.at_work.home = True
        raise OpsError("taken back")

    monkeypatch.setattr(Watching, "watch", watch)
    with pytest.raises(OpsError, match="taken back"):
        NodesWatching(made, on=made).watch()
    assert [scripts(each) for each in on] == [["maintenance"]] * 3


def test_where_nobody_is_turned_away_no_node_is_asked() -> None:
    on = noting("")
    assert (kept(on), on[1].commands) == ("", [])
    assert (kept(on, None), on[1].commands) == ("", [])


def test_a_node_that_could_not_be_told_again_is_a_warning() -> None:
    said = kept(noting(NOTE, page, gone))
    assert "warn app2 may let visitors in, who are turned away elsewhere: no route to host" in said
    assert f"info As before {WHAT}: told app1, app3" in said


def test_a_service_that_the_ingress_leads_to_no_more_is_told_and_noted() -> None:
    text = NOTE.replace("all services", "web, api").replace("[]", '["web", "api"]')
    on = noting(text)
    said = kept(on)
    assert "warn Visitors of api are let in: the ingress does not lead to it any more" in said
    assert told_of(on[1]) == [("web_3000",)]
    written = next(each for each in on[0].commands if each.title == "note who is turned away")
    assert str(written.stdin).startswith(
        "visitors of web, api are turned away, not those of api any more (me)"
    )
    on = noting(text.replace('"web", ', ""))
    assert "warn Visitors of api are let in" in kept(on)
    assert (told_of(on[1]), notes(on[0])) == ([()], ["tell", "forget"])


def test_a_note_that_cannot_be_read_stops_nothing() -> None:
    on = noting("visitors are away\n1700000000\n")
    assert "warn It is not known whether visitors are still turned away: the note does not say" in kept(on)
    assert told_of(on[1]) == []


def test_an_ingress_that_is_restarted_by_hand_and_a_node_with_work_again_are_told(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = noting()
    there = "\n".join((node(), *service("schedgen-ingress", "3/3"), *service("web", "2/2")))
    on[0].answers["look at the Swarm"] = there.replace('"mode": "replicated"', '"mode": "global"', 1)
    assert op("ops.restart", "schedgen-ingress", "--yes", on=on) == 0, capsys.readouterr().err
    assert "As before visitors of all services are turned away" in capsys.readouterr().out
    assert told_of(on[2]) == [("*",)]
    on = noting()
    assert op("hosts.undrain", "app1", on=on) == 0, capsys.readouterr().err
    assert told_of(on[2]) == [("*",)]


def test_doctor_names_who_turned_visitors_away(op: Callable[..., int], capsys: Capture) -> None:
    on = noting()
    op("doctor", "--issue", "4", "--json", on=on)
    rows = json.loads(capsys.readouterr().out)["result"]
    assert [(row["host"], row["text"]) for row in rows if row["cause"] == "maintenance"] == [("app1", WHAT)]
