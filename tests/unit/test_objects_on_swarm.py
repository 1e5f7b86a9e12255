"""Objects on a Swarm: with the database on one node, and exchanged while nothing of their store runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import Answer, FakeHost, context, result
from kit import DATABASE, OBJECTS, bash, path, program
from swarm_kit import document, swarm
from test_backup_restore import boxes
from test_emergency_on_swarm import Order, lead, session
from test_swarm_data import DB, HOSTS, MADE, a_node, did, of_data
from test_tasks import Capture, Inv

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import swap
from schedgen_ops.backup.restore.holding import Held
from schedgen_ops.backup.restore.run import DATA, Restore
from schedgen_ops.checklist import stacked
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm_data import Holding
from schedgen_ops.errors import Refused
from schedgen_ops.swarm.data_node import Placed, users_of
from schedgen_ops.verify import run as verifier

inv = test_tasks.inv

STORE = {"service": "files", "path": "/files", "used_by": ["web", "thumbs"]}
WHOLE = replace(MADE, files=(*MADE.files, manifest.File("objects.tar.gz", 5, "0" * 64)), objects=2)
HELD = "docker inspect --format '{{.Image}}' shop-schedgen-objects"


@pytest.fixture
def op(inv: Inv, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a task on a Swarm of three hosts with a database and objects."""
    monkeypatch.setattr(verifier, "patiently", lambda *_: ())
    text = {"project": "shop", "directory": "/srv/shop", "hosts": HOSTS, "database": DB, "objects": STORE}
    more = {"orchestrator": "swarm", "swarm": {"registry": "registry:5000"}}
    Path("config/staging.yaml").write_text(json.dumps({**text, **more}))
    return inv


def on_node(**answers: Answer) -> FakeHost:
    """The node of both, with a backup."""
    seen = 'rows ["public.jobs",3]\ncounted\nobjects 2 0\nend\n'
    known: dict[str, Any] = {
        "look for the data": "runs db\nruns files\nkeeps\n",
        "list backups": f"{WHOLE.id} {manifest.to_json(WHOLE)}\n",
        "docker inspect": boxes("db", "files"),
        "restore beside": seen,
        "hold the volumes": "held\n",
        "docker rm --force shop-schedgen-objects": "",
        "wait for the end of what runs": "",
    }
    host = of_data()
    host.answers |= known | {key.replace("_", " "): value for key, value in answers.items()}
    return host


def test_the_store_is_stopped_with_its_users_and_its_volumes_are_held_meanwhile(
    op: Callable[..., int], capsys: Capture
) -> None:
    first = lead("web", "thumbs", "db", "files", start_what_was_stopped="resumed web thumbs files\n")
    first.answers["stop web, thumbs, files"] = ""
    second = on_node()
    order = Order(first, second)
    hosts = [first, second, a_node("app3")]
    assert op("backup.restore", WHOLE.id, "--yes", on=hosts) == 0, capsys.readouterr().err
    ways = [
        "app2: hold the volumes",
        "app1: stop web, thumbs, files",
        "app2: swap",
        "app1: start what was stopped",
    ]
    assert [each for each in order.done if each in ways] == ways
    values = dict(next(c for c in second.commands if c.title == "swap").values)
    assert (values["store"], values["held"], values["clients"]) == ("shop-schedgen-objects", "yes", ())
    assert "docker rm --force shop-schedgen-objects" in second.texts


def test_data_on_two_nodes_is_refused_by_name(op: Callable[..., int], capsys: Capture) -> None:
    hosts = [lead(), on_node(look_for_the_data="runs db\n"), a_node("app3", "runs files\n")]
    assert op("backup", on=hosts) == 3
    assert "the data is on several nodes: db on app2, files on app3" in capsys.readouterr().err
    placed = Placed(swarm(hosts=HOSTS, database=DB, objects=STORE), {"app1": Holding(("db",))})
    with pytest.raises(Refused, match="files runs on no node"):
        placed.node()


@pytest.mark.parametrize(
    ("parts", "stopped"),
    [
        ({"database"}, ("web",)),
        ({"objects"}, ("web", "thumbs", "files")),
        ({"database", "objects"}, ("web", "thumbs", "files")),
        (set(), ()),
    ],
)
def test_who_is_stopped_is_who_uses_what_is_exchanged(parts: set[str], stopped: tuple[str, ...]) -> None:
    assert users_of(swarm(database=DB, objects=STORE), parts) == stopped


def test_a_restore_that_was_cut_off_is_put_right_though_the_store_runs_nowhere() -> None:
    """Its node is known by the release's file; what was moved is moved back in the volume that is held."""
    note = swap.Note(WHOLE.id, "20250115_120000", ("database", "objects")).text()
    first = lead(start_what_was_stopped="resumed files\n")
    second = on_node(look_for_the_data="runs db\n", docker_inspect=boxes("db"))
    second.answers |= {"look for half-exchanged data": f"swapping {note}\n", HELD: "sha256:files\n"}
    order = Order(first, second)
    made = session(first, second, a_node("app3"))
    settings = swarm(hosts=HOSTS, database=DB, objects=STORE)
    made.settings = settings
    made.at_work.context = replace(made.at_work.context, settings=settings)
    made.recover()
    back, start = order.done.index("app2: swap back"), order.done.index("app1: start what was stopped")
    assert back < start
    assert made.at_work.righted == "what a restore that was cut off had left was put right"
    values = dict(next(c for c in second.commands if c.title == "swap back").values)
    assert (values["store"], values["image"], values["held"]) == (
        "shop-schedgen-objects",
        "sha256:files",
        "yes",
    )


def test_compose_stops_its_store_and_holds_nothing() -> None:
    host = on_node()
    config = swarm(orchestrator="compose", swarm={}, hosts=HOSTS, database=DB, objects=STORE)
    one = Restore(context(host, config), WHOLE, DATA)
    one.held.hold()
    one.held.let_go()
    assert did(host) == []
    assert one.held.instead(one.location).objects == "id-files"


def test_what_is_held_stays_where_the_store_has_no_container() -> None:
    host = on_node(docker_inspect="")
    host.answers[HELD] = result(code=1)
    held = Held(context(host, swarm(database=DB, objects=STORE)), DATA)
    held.hold()
    assert did(host) == []
    location = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)
    assert held.found(location) == location


def test_a_container_that_only_holds_volumes_is_neither_stopped_nor_started(tmp_path: Path) -> None:
    said = 'case $1 in inspect) echo "/x running healthy" ;; *) echo "$*" >> log ;; esac'
    programs = program(tmp_path / "bin", "docker", said).parent
    location = DataLocation(Docker(), "", "held", "image", "20250115_120000", DATABASE, OBJECTS)
    command = swap.swap(location, "state/lock", (), 1, "{}", held=True)
    answer = bash(command, tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    log = (tmp_path / "log").read_text().splitlines()
    # Nothing but what moves the objects: its script is the last of that command's lines.
    assert "--volumes-from held" in log[0]
    assert not [line for line in log if line.startswith(("stop", "start", "update"))]


def test_a_compose_file_that_has_data_on_two_nodes_is_refused_before_anything_changes() -> None:
    def said(first: list[str], second: list[str]) -> list[str]:
        written = document()
        for name, constraints in (("db", first), ("files", second)):
            written["services"][name] = {
                "image": "x",
                "deploy": {"placement": {"constraints": constraints}},
                "networks": {"default": None},
            }
        config = swarm(database=DB, objects=STORE)
        return [str(getattr(each, "text", each)) for each in stacked.judged(config, json.dumps(written))]

    on_first, on_second = ["node.hostname == app1"], ["node.hostname == app2"]
    (refused,) = said(on_first, on_second)
    assert refused == "the data is on several nodes: db on app1, files on app2"
    assert said(on_first, on_first) == said(on_first, []) == ["all that it says"]
