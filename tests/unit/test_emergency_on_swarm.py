"""Emergencies on a Swarm of stand-ins: what is done where, in which order, and what a killed one leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_swarm_data
import test_tasks
from fakes import Answer, FakeClock, FakeHost, context, result
from swarm_kit import document, record, swarm
from test_backup_restore import boxes
from test_swarm_data import DB, HOSTS, MADE, R1, a_node, did, keeping, manager, of_data
from test_swarm_environment import node, service
from test_swarm_rolling import host_run
from test_tasks import Capture

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.offsite import transfer
from schedgen_ops.backup.restore.swap import Note
from schedgen_ops.commands.docker import DEFINITION_LABEL, ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL
from schedgen_ops.commands.swarm_data import Holding, parse_holding
from schedgen_ops.errors import ConnectionLost, OpsError, Refused
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.orchestrators.swarm import stack
from schedgen_ops.orchestrators.swarm.bound import bound_to
from schedgen_ops.release.store import Shelf
from schedgen_ops.shell import Command
from schedgen_ops.swarm import finding
from schedgen_ops.swarm.session import SwarmSession
from schedgen_ops.verify import run as verifier
from schedgen_ops.watch.rules import CheckVerdict, Finding

inv, op = test_tasks.inv, test_swarm_data.op

WELL = (Finding("service db", CheckVerdict.PASSED, "1 of 1 run"),)
LEFT = re.compile(r"list|read|look|whose|count|cat|acquire|docker inspect|docker info")
LABELS = {DEFINITION_LABEL: "aa", ONEOFF_LABEL: "False", PROJECT_LABEL: "shop", SERVICE_LABEL: "db"}
FILE: dict[str, Any] = {
    "services": {"db": {"deploy": {"placement": {"constraints": ["node.id == id-app2"]}}, "labels": LABELS}},
    "volumes": {"base": {"name": "shop_base"}},
}


@pytest.fixture(autouse=True)
def _all_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "patiently", lambda *_: WELL)


def rolled(command: Command) -> str:
    """What a manager says of services that it brings: all well."""
    values: dict[str, Any] = dict(command.values)
    return "".join(f"service {name} well yes 1 of 1 run\n" for name in values["services"])


def _first(answer: Answer, then: Callable[[Command], str]) -> Callable[[Command], Any]:
    """Answers so once, and then otherwise."""
    left = [answer]
    return lambda command: left.pop() if left else then(command)


class Order:
    """What was done on all hosts, in order."""

    def __init__(self, *hosts: FakeHost) -> None:
        self.done: list[str] = []
        for host in hosts:
            for key, answer in list(host.answers.items()):
                if isinstance(key, str):
                    host.answers[key] = self._noted(host.name, key, answer)

    def _noted(self, name: str, key: str, answer: Answer) -> Callable[[Command], Any]:
        came = iter(answer) if isinstance(answer, list) else None

        def reply(command: Command) -> Any:
            if not LEFT.search(key) and key != "schedgen-lock":
                self.done.append(f"{name}: {key}")
            given = next(came) if came else answer
            return given(command) if callable(given) else given

        return reply


def lead(*services: str, **answers: Answer) -> FakeHost:
    """A manager whose stack has these services, and which brings others well."""
    stack = (line for each in services for line in service(each))
    told = "\n".join((node(), node("app2", self=False), *stack))
    known: dict[str, Any] = {
        "look at the Swarm": told,
        "docker stack deploy db": rolled,
        "docker stack deploy db, web": rolled,
        f"docker service rm {', '.join(sorted(services))}": "",
        "wait for the end of what runs": "",
        "write /srv/shop/.schedgen/down": "",
        f"cat -- /srv/shop/.schedgen/releases/{R1.id}/swarm/db.json": json.dumps(FILE),
        "rm -rf -- /srv/shop/.schedgen/down": "",
        "start what was stopped": "",
        "look for volumes": "id-app1\n",
        "look for canaries": "",
    }
    host = manager(**{"start_what_was_stopped": ""})
    host.answers |= known | {key.replace("_", " "): value for key, value in answers.items()}
    return host


def data(**answers: Answer) -> FakeHost:
    """The node of the database, which keeps a backup and takes part in an emergency."""
    host = keeping()
    more: dict[Any, Any] = {
        "wait for the end of what runs": "",
        "look for volumes": "id-app2\nshop_base\n",
        re.compile(r"^sleep "): "",
    }
    host.answers |= more | {key.replace("_", " "): value for key, value in answers.items()}
    return host


def third() -> FakeHost:
    host = a_node("app3")
    host.answers |= {"wait for the end of what runs": "", "look for volumes": "id-app3\n"}
    return host


def test_a_corrupt_database_is_restored_where_it_runs_while_the_manager_stops_its_users(
    op: Callable[..., int], capsys: Capture
) -> None:
    first, second = lead("web", "db", start_what_was_stopped="resumed web\n"), data()
    order = Order(first, second)
    assert op("emergency.database", "--yes", on=[first, second, third()]) == 0, capsys.readouterr().err
    assert order.done == [
        "app2: verify the backup",
        "app1: stop web",
        "app2: make the project's directory",
        "app2: back up",
        "app2: finish the backup",
        "app2: restore beside",
        "app2: swap",
        "app1: start what was stopped",
        *(done for done in order.done[8:] if done.startswith("app2: ")),
    ]
    assert dict(next(c for c in second.commands if c.title == "swap").values)["clients"] == ()
    told = capsys.readouterr().out
    assert "Started: web" in told
    assert "All services are healthy (3 checks passed)" in told


def test_a_database_that_cannot_be_exchanged_is_as_it_was_and_its_users_run(op: Callable[..., int]) -> None:
    first = lead("web", "db", start_what_was_stopped="resumed web\n")
    second = data(swap=result(stderr="reason: no", code=1))
    order = Order(first, second)
    assert op("emergency.database", "--yes", on=[first, second, third()]) == 4
    assert order.done[-3:] == [
        "app2: swap back",
        "app2: discard what a restore put aside",
        "app1: start what was stopped",
    ]


def test_everything_is_taken_down_the_database_restored_alone_and_all_started(
    op: Callable[..., int], capsys: Capture
) -> None:
    first, second = lead("web", "db"), data()
    order = Order(first, second)
    assert op("emergency.recover", "--yes", on=[first, second, third()]) == 0, capsys.readouterr().err
    waits = [done for done in order.done if done.endswith("wait for the end of what runs")]
    assert waits == ["app1: wait for the end of what runs", "app2: wait for the end of what runs"]
    others = (*waits, "app2: make the project's directory")
    assert [done for done in order.done if done not in others][:12] == [
        "app2: verify the backup",
        "app1: write /srv/shop/.schedgen/down",
        "app1: docker service rm db, web",
        "app1: docker stack deploy db",
        "app2: back up",
        "app2: finish the backup",
        "app2: restore beside",
        "app2: swap",
        "app1: write /srv/shop/.schedgen/down",
        "app1: docker stack deploy db, web",
        "app1: rm -rf -- /srv/shop/.schedgen/down",
        "app1: start what was stopped",
    ]
    assert order.done.index(waits[-1]) < order.done.index("app1: docker stack deploy db")
    assert "Everything serves again" in capsys.readouterr().out


@pytest.mark.parametrize("said", [FILE, {**FILE, "services": {"db": {}}}], ids=["its place", "its volume"])
def test_a_stack_that_somebody_removed_is_started_where_its_data_is(
    op: Callable[..., int], capsys: Capture, said: dict[str, Any]
) -> None:
    first, second = lead(), data(look_for_the_data=["keeps\n", "runs db\nkeeps\n"])
    first.answers[f"cat -- /srv/shop/.schedgen/releases/{R1.id}/swarm/db.json"] = json.dumps(said)
    assert op("emergency.recover", "--yes", on=[first, second, third()]) == 0, capsys.readouterr().err
    assert not any(title.startswith("docker service rm") for title in did(first))
    assert "swap" in did(second)


def test_a_database_whose_node_is_lost_is_not_started_elsewhere_empty(
    op: Callable[..., int], capsys: Capture
) -> None:
    lost = ConnectionLost("gone", host="app2")
    first = lead("web")
    assert op("emergency.recover", "--yes", on=[first, a_node("app2", look_for_the_data=lost), third()]) == 3
    told = capsys.readouterr().err
    assert "the data of db is on app2, and that does not answer" in told
    assert "docs/backup.md" in told
    assert "write /srv/shop/.schedgen/down" not in did(first)


def test_files_that_a_database_does_not_start_with_are_set_aside_without_its_service(
    op: Callable[..., int], capsys: Capture
) -> None:
    """The Swarm would start it again and again, on what is being archived."""
    bad = "service db bad yes it ends again and again\n"
    first, second = lead("web", "db"), data(look_for_the_data="runs db\nkeeps\n")
    first.answers |= {
        "docker stack deploy db": _first(result(bad, code=1), rolled),
        "docker service rm db": "",
    }
    exited = boxes("db").replace('"running"', '"exited"').replace('"exit_code": 0', '"exit_code": 1')
    second.answers |= {
        "docker inspect": [exited, exited, boxes("db")],
        "{ docker logs --tail 200 id-db; } 2>&1": "PANIC:  could not locate a valid checkpoint record\n",
        "hold the volumes": "held\n",
        "set the files aside": f"file files-0.tar.gz 5 {'0' * 64}\n",
        "docker rm --force shop-schedgen-files": "",
    }
    assert op("emergency.recover", "--yes", on=[first, second, third()]) == 0, capsys.readouterr().err
    done = did(second)
    aside = next(c for c in second.commands if c.title == "set the files aside")
    assert dict(aside.values)["container"] == "held"
    assert done.index("hold the volumes") < done.index("set the files aside") < done.index("restore beside")
    assert "docker service rm db" in did(first)


def test_what_the_release_does_not_have_is_stopped_for_the_time_alone(
    op: Callable[..., int], capsys: Capture
) -> None:
    first = lead("web", "db", "extra", start_what_was_stopped="resumed extra\n")
    first.answers |= {"docker service rm db, web": "", "stop extra": ""}
    assert op("emergency.recover", "--yes", on=[first, data(), third()]) == 0, capsys.readouterr().err
    assert "Started again: extra" in capsys.readouterr().out


def test_one_that_does_not_get_well_keeps_nothing_else_down_and_is_told(
    op: Callable[..., int], capsys: Capture
) -> None:
    first = lead("web", "db")
    first.answers["docker stack deploy db, web"] = result("service web bad yes no room\n", code=1)
    assert op("emergency.recover", "--yes", on=[first, data(), third()]) == 5
    assert "service web does not get well: no room" in capsys.readouterr().err
    # Whoever deploys next is not kept by it.
    assert "rm -rf -- /srv/shop/.schedgen/down" in first.texts


def test_nothing_is_begun_without_a_backup_or_a_release(op: Callable[..., int], capsys: Capture) -> None:
    first = lead("web", "db")
    assert op("emergency.recover", "--yes", on=[first, data(list_backups=""), third()]) == 5
    assert "there is no good backup of the database here" in capsys.readouterr().err
    assert op("emergency.recover", "--yes", "--id", "nope", on=[lead("web", "db"), data(), third()]) == 2
    first.answers["read the releases"] = "\n"
    assert op("emergency.recover", "--yes", on=[first, data(), third()]) == 3
    assert "no release of ours is to serve" in capsys.readouterr().err
    assert "write /srv/shop/.schedgen/down" not in did(first)


@pytest.mark.parametrize("words", [("emergency.database",), ("backup.restore", MADE.id)])
def test_after_one_that_was_cut_off_data_alone_is_not_worked_on(
    op: Callable[..., int], capsys: Capture, words: tuple[str, ...]
) -> None:
    first = lead("web", "db", look_for_the_data="down\n")
    assert op(*words, "--yes", on=[first, data(), third()]) == 3
    told = capsys.readouterr().err
    assert "an emergency took everything down and was cut off" in told
    assert "`inv deploy.recover`" in told
    assert "swap" not in did(first)


def session(first: FakeHost, *others: FakeHost) -> SwarmSession:
    """A run in the middle of its pre-flight."""
    settings = swarm(hosts=HOSTS, database=DB)
    owner = lock.myself(FakeClock(), "deploy", "")
    made = SwarmSession(
        settings, Fleet([first]), None, "r", FakeClock(), silence, owner, nodes=Fleet([first, *others])
    )
    at = host_run(first, R1, None)
    at.context = replace(at.context, settings=settings)
    # What serves is named, as where nothing was begun.
    at.seen = replace(at.seen, shelf=Shelf(R1.id, (R1,), written=R1.id))
    made.host_runs = (at,)
    return made


def test_who_comes_next_starts_the_database_then_its_users_and_notes_nothing_any_more() -> None:
    first = lead(look_for_the_data=["down\n", "down\n"])
    second = of_data(look_for_the_data=["", "runs db\n"])
    order = Order(first, second)
    made = session(first, second, third())
    made.recover()
    assert [done for done in order.done if "swap" not in done] == [
        "app1: docker stack deploy db",
        "app1: start what was stopped",
        "app1: docker stack deploy db, web",
        "app1: rm -rf -- /srv/shop/.schedgen/down",
        "app1: start what was stopped",
    ]
    assert made.at_work.righted == "what an emergency had taken down was started again"


def test_half_exchanged_data_is_put_back_before_its_users_are_started() -> None:
    note = f"swapping {Note(MADE.id, '20250115_120000', ('database',)).text()}\n"
    first = lead(look_for_the_data="down\n")
    second = of_data(look_for_the_data=["", "runs db\n"])
    second.answers["look for half-exchanged data"] = note
    order = Order(first, second)
    session(first, second, third()).recover()
    assert order.done.index("app2: swap back") < order.done.index("app1: docker stack deploy db, web")


def test_a_node_tells_of_an_emergency_that_was_cut_off() -> None:
    assert parse_holding(["runs db", "keeps", "down"]) == Holding(("db",), True, True)


LOST = ConnectionLost("gone", host="app2")
COPY = f"{MADE.id} {manifest.to_json(MADE)}\n"


@pytest.fixture
def offsite(op: Callable[..., int]) -> Callable[..., int]:
    """Runs a task where backups are pushed."""
    file = Path("config/staging.yaml")
    config = json.loads(file.read_text())
    config["backup"]["offsite"] = {"path": "bucket/copies", "options": {"type": "local"}}
    file.write_text(json.dumps(config))
    return op


def _copies(command: Command) -> str:
    """What the remote has: those of the node that is lost."""
    return COPY if dict(command.values)["name"] == "app2" else ""


def on_third(**answers: Answer) -> FakeHost:
    """A node that never had anything of the database, and has a way to the offsite remote."""
    host = third()
    more = data()
    host.answers |= {key: value for key, value in more.answers.items() if key not in host.answers}
    host.answers |= {
        "look for the data": "",
        "look for volumes": "id-app3\n",
        "docker inspect": boxes("db"),
        "list backups": "",
        "look at the copies on the remote": _copies,
    }
    host.answers |= {key.replace("_", " "): value for key, value in answers.items()}
    return host


def test_a_database_whose_node_is_lost_begins_anew_on_another_one_with_a_copy_of_the_lost_ones(
    offsite: Callable[..., int], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "copy", lambda *_, **__: ())
    first, last = lead("web", "db"), on_third()
    path = f"/srv/shop/.schedgen/releases/{R1.id}"
    first.answers |= {f"write {path}/swarm/db.json": "", f"write {path}/release.json": ""}
    words = ("emergency.recover", "--yes", "--id", MADE.id, "--from-offsite", "--node", "app3")
    assert offsite(*words, on=[first, a_node("app2", look_for_the_data=LOST), last]) == 0, (
        capsys.readouterr().err
    )
    (written,) = (
        json.loads(str(c.stdin)) for c in first.commands if c.title == f"write {path}/swarm/db.json"
    )
    assert written["services"]["db"]["deploy"]["placement"]["constraints"] == ["node.id == id-app3"]
    notes = [str(c.stdin) for c in first.commands if c.title == "write /srv/shop/.schedgen/down"]
    # Whoever comes in between is not to serve an empty database.
    assert [note.split()[1:] for note in notes] == [[], ["anew"], []]
    assert "swap" in did(last)
    assert "back up" not in did(last)


def test_a_database_begins_anew_on_no_node_as_long_as_its_data_answers(
    op: Callable[..., int], capsys: Capture
) -> None:
    words = ("emergency.recover", "--yes", "--node")
    assert op(*words, "app3", on=[lead("web", "db"), data(), third()]) == 3
    assert "the data is on app2, which answers" in capsys.readouterr().err
    lost = a_node("app2", look_for_the_data=LOST)
    assert op(*words, "app2", on=[lead("web"), lost, third()]) == 3
    assert op(*words, "nope", on=[lead("web"), lost, third()]) == 2
    assert op("emergency.recover", "--yes", "--from-offsite", on=[lead("web"), data(), third()]) == 2
    first = lead("web")
    first.answers[f"cat -- /srv/shop/.schedgen/releases/{R1.id}/swarm/db.json"] = json.dumps(
        {"services": {"db": {"deploy": FILE["services"]["db"]["deploy"]}}}
    )
    last = on_third(look_for_the_data="keeps\n", list_backups=COPY)
    assert op(*words, "app3", on=[first, lost, last]) == 5
    assert "db.json cannot be read" in capsys.readouterr().err
    assert "write /srv/shop/.schedgen/down" not in did(first)


def test_an_empty_database_serves_nobody(op: Callable[..., int], capsys: Capture) -> None:
    first = lead("web", look_for_the_data="down anew\n")
    assert op("backup.restore", MADE.id, "--yes", on=[first, data(), third()]) == 3
    assert "the database is empty" in capsys.readouterr().err
    made = session(first, of_data(look_for_the_data="runs db\n"), third())
    with pytest.raises(Refused, match="the database is empty"):
        made.recover()


def test_a_file_for_another_node_is_what_a_deploy_would_write_for_that() -> None:
    written = document()
    records = record(strategy="stop-first"), swarm()
    there, here = (stack.part(written, "store", *records, (), node) for node in ("id-app2", "id-app3"))
    assert bound_to(there.document, "store", "id-app3") == here
    assert bound_to(json.loads(there.text), "store", "id-app3").text == here.text


def test_a_release_that_says_another_node_than_the_datas_is_refused() -> None:
    told = "\n".join((node(), node("app2"), *service("db"))).replace("[]", '["node.id == id-app1"]')
    host = lead(look_at_the_Swarm=told)
    for constraints in ([], ["node.hostname == app1"], ["node.id==id-app1"]):
        said = {"services": {"db": {"deploy": {"placement": {"constraints": constraints}}}}}
        finding.refuse_elsewhere(context(host, swarm()), said, "db")
    said = {"services": {"db": {"deploy": {"placement": {"constraints": ["node.hostname == app2"]}}}}}
    with pytest.raises(OpsError, match="has db on app2, and its data is on app1"):
        finding.refuse_elsewhere(context(host, swarm()), said, "db")
