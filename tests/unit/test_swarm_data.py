"""Backups, proofs and restores on a Swarm: each on the node where the database runs, whichever that is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import test_tasks
from deploying import one
from fakes import Answer, FakeClock, FakeHost, context, result
from kit import BACKUP, bash, path, program
from simulated import SimHost
from swarm_kit import document, swarm
from test_backup_restore import SERVER, SLOTS, boxes
from test_backup_run import SUM
from test_swarm_environment import node, service
from test_swarm_rolling import _script, host_run, release
from test_tasks import Capture, Inv

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.restore.swap import Note
from schedgen_ops.checklist import run as checklist
from schedgen_ops.checklist import stacked
from schedgen_ops.checklist.boxes import Mark
from schedgen_ops.cli import placing
from schedgen_ops.commands import swarm_data
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.swarm_data import Holding
from schedgen_ops.errors import ConnectionLost, Refused
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.lock import run as lock
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.release.record import to_json
from schedgen_ops.release.store import Shelf
from schedgen_ops.shell import Command
from schedgen_ops.swarm import backing, data_node, restored_data
from schedgen_ops.swarm.data_node import Placed, Users
from schedgen_ops.swarm.run import deploy
from schedgen_ops.swarm.session import SwarmSession

inv = test_tasks.inv

DB = {"service": "db", "user": "u", "name": "shop", "used_by": ["web"]}
HOSTS = [{"name": name, "address": name} for name in ("app1", "app2", "app3")]
FILE = manifest.File("database.sql.gz", 10, "0" * 64)
MADE = replace(BACKUP, files=(FILE,), rows={"public.jobs": 3}, sizes={"database": 10**6}, objects=0)
ANSWER = f'fact server 15.8\nfact rows ["public.jobs",3]\nfact counted\nfile database.sql.gz 10 {SUM}\n'
OF_MANAGER = f"file config.compose.yaml 20 {SUM}\n"
SEEN = 'rows ["public.jobs",3]\ncounted\nend\n'
R1 = release("1", "web", "db")
SERVES = f"current {R1.id}\n{R1.id} {to_json(R1)}\n"
NOTHING = "current \n"


@pytest.fixture
def op(inv: Inv) -> Callable[..., int]:
    """Runs a task on a Swarm of three hosts with a database."""
    text = {"project": "shop", "directory": "/srv/shop", "hosts": HOSTS, "database": DB}
    more = {
        "orchestrator": "swarm",
        "swarm": {"registry": "registry:5000"},
        "backup": {"keep": 1, "keep_days": 1},
    }
    Path("config/staging.yaml").write_text(json.dumps({**text, **more}))
    return inv


def a_node(name: str, holds: str = "", **answers: Answer) -> FakeHost:
    """A node that runs nothing and has no backup, but for what is said."""
    known: dict[Any, Answer] = {
        "look for the data": holds,
        "schedgen-lock": "acquired \n",
        "read the releases": NOTHING,
        "make the project's directory": "",
        "list backups": "",
        "sweep unfinished backups": "",
        "look at the room for a backup": "free 99999999999\n",
        "docker inspect": "",
        "back up": "",
        "finish the backup": "",
    }
    return FakeHost(name, {**known, **{key.replace("_", " "): value for key, value in answers.items()}})


def manager(**answers: Answer) -> FakeHost:
    told = "\n".join((node(), *service("web"), *service("db")))
    known: dict[str, Any] = {
        "read the releases": SERVES,
        "back up": OF_MANAGER,
        "look at the Swarm": told,
        "stop web": "",
        "start what was stopped": "resumed web\n",
    }
    return a_node("app1", **{**known, **{key.replace("_", " "): value for key, value in answers.items()}})


def of_data(*lines: str, **answers: Answer) -> FakeHost:
    """The node of the database."""
    known: dict[str, Any] = {
        "docker inspect": boxes("db", "web"),
        "back up": ANSWER,
        "verify the backup": "",
        "drill the backup": SEEN,
        "update the manifest": "",
        "count the rows": 'rows ["public.jobs",5]\ncounted\n',
        "look at the database server": SERVER,
        "restore beside": SEEN,
        "swap": "gap 1500000\n",
        "swap back": "gap 1\n",
        SLOTS: "",
        "discard what a restore put aside": "",
    }
    having = "\n".join(("runs db", *lines)) + "\n"
    return a_node("app2", having, **{**known, **{key.replace("_", " "): one for key, one in answers.items()}})


def keeping(**answers: Answer) -> FakeHost:
    """The node of the database, with a backup."""
    return of_data("keeps", **{"list backups": f"{MADE.id} {manifest.to_json(MADE)}\n", **answers})


def did(host: FakeHost) -> list[str]:
    """What is done on a host beside looks."""
    looks = ("docker inspect", "look", "list", "read", "whose", "count")
    return [command.title for command in host.commands if not command.title.startswith(looks)]


def test_a_backup_is_made_where_the_database_runs_and_its_config_on_the_manager(
    op: Callable[..., int], capsys: Capture
) -> None:
    first, second, third = manager(), of_data(), a_node("app3")
    assert op("backup", on=[first, second, third]) == 0, capsys.readouterr().err
    for host in (first, second):
        assert did(host)[:2] == ["make the project's directory", "schedgen-lock"]
        assert did(host)[-2:] == ["back up", "finish the backup"]
    assert did(third) == []
    values = [dict(_one(host, "back up").values) for host in (first, second)]
    assert [each["db"] for each in values] == ["", "id-db"]
    assert [each["compose"] != "" for each in values] == [True, False]
    made = [json.loads(str(_one(host, "finish the backup").stdin)) for host in (first, second)]
    # One name, and the release that the manager knows.
    assert {(each["id"], each["release"]) for each in made} == {("manual-20250115_120000", R1.id)}


def _one(host: FakeHost, title: str) -> Command:
    (found,) = (command for command in host.commands if command.title == title)
    return found


def test_backups_are_listed_from_every_node_that_has_any(op: Callable[..., int], capsys: Capture) -> None:
    """The database may have moved: what was made before it did is where it was then."""
    old = replace(MADE, id=manifest.BackupId("manual-20250115_110000"))
    third = a_node("app3", "keeps\n", list_backups=f"{old.id} {manifest.to_json(old)}\n")
    assert op("backup.list", "--json", on=[manager(), keeping(), third]) == 0
    rows = json.loads(capsys.readouterr().out)["result"]
    assert [(row["host"], row["backup"][-6:]) for row in rows] == [("app2", "120000"), ("app3", "110000")]


def test_a_drill_is_where_the_database_runs(op: Callable[..., int], capsys: Capture) -> None:
    first, second = manager(), keeping()
    assert op("backup.drill", on=[first, second, a_node("app3")]) == 0, capsys.readouterr().err
    assert did(first) == ["schedgen-lock"]
    assert did(second) == ["schedgen-lock", "verify the backup", "drill the backup", "update the manifest"]
    assert op("backup.verify", on=[manager(), keeping(), a_node("app3")]) == 0


def test_a_restore_stops_who_uses_the_data_on_all_nodes_by_the_manager(
    op: Callable[..., int], capsys: Capture
) -> None:
    order: list[str] = []
    first, second = manager(), keeping()
    for host in (first, second):
        _noting(host, order)
    assert op("backup.restore", MADE.id, "--yes", on=[first, second, a_node("app3")]) == 0
    assert order == ["restore beside", "stop web", "swap", "start what was stopped"]
    assert dict(_one(second, "swap").values)["clients"] == (), "a Swarm would start them again"
    assert "Kept: app2: database shop_before_" in capsys.readouterr().out


def _noting(host: FakeHost, order: list[str]) -> None:
    for title in ("restore beside", "stop web", "swap", "swap back", "start what was stopped"):
        if title in host.answers:
            host.answers[title] = _noted(title, host.answers[title], order)


def _noted(title: str, answer: Answer, order: list[str]) -> Callable[[Command], Any]:
    def reply(_: Command) -> Any:
        order.append(title)
        return answer

    return reply


def test_an_exchange_that_fails_starts_who_was_stopped_and_leaves_the_old_data(
    op: Callable[..., int], capsys: Capture
) -> None:
    order: list[str] = []
    first, second = manager(), keeping(swap=result(stderr="reason: no", code=1))
    for host in (first, second):
        _noting(host, order)
    op("backup.restore", MADE.id, "--yes", on=[first, second, a_node("app3")])
    # Back is asked for in the same way, whatever became of it.
    ways = ["stop web", "swap", "start what was stopped", "stop web", "swap back", "start what was stopped"]
    assert order == ["restore beside", *ways]
    assert did(second)[-1] == "discard what a restore put aside"


def test_who_uses_the_data_stays_stopped_while_it_may_be_half_exchanged(op: Callable[..., int]) -> None:
    first = manager()
    second = keeping(swap=ConnectionLost("gone"))
    note = f"swapping {Note(MADE.id, '20250115_120000', ('database',)).text()}\n"
    second.answers["look for half-exchanged data"] = ["", note]
    second.answers["swap back"] = ConnectionLost("gone")
    assert op("backup.restore", MADE.id, "--yes", on=[first, second, a_node("app3")]) != 0
    assert "start what was stopped" not in did(first)


def test_a_service_that_runs_everywhere_cannot_be_stopped_and_nothing_is_begun(
    op: Callable[..., int], capsys: Capture
) -> None:
    told = "\n".join((node(), *service("web"))).replace('"replicated"', '"global"')
    first, second = manager(look_at_the_Swarm=told), keeping()
    assert op("backup.restore", MADE.id, "--yes", on=[first, second, a_node("app3")]) == 3
    assert "runs on every node" in capsys.readouterr().err
    assert "restore beside" not in did(second)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backup",), "db runs on no node of the config; app3 did not answer"),
        (("backup.last",), "db runs on no node of the config"),
        (("backup.overdue",), "db runs on no node of the config"),
    ],
)
def test_a_database_that_runs_nowhere_is_said_to(
    op: Callable[..., int], capsys: Capture, words: tuple[str, ...], said: str
) -> None:
    lost = a_node("app3", look_for_the_data=ConnectionLost("gone", host="app3"))
    assert op(*words, on=[manager(), a_node("app2"), lost]) == 3
    told = capsys.readouterr()
    assert said in told.err
    assert "1 node did not answer" in told.out + told.err


def test_a_database_that_was_never_saved_is_overdue(op: Callable[..., int], capsys: Capture) -> None:
    """Its node has not even a folder for backups."""
    hosts = [manager(), of_data(list_backups=1), a_node("app3")]
    assert op("backup.overdue", on=hosts) == 6
    assert "there is no good backup with all data" in capsys.readouterr().err
    assert op("backup.last", on=hosts) == 5
    assert op("backup.restore", "manual", "--yes", on=hosts) == 2


def test_a_kept_release_of_the_manager_holds_its_backup_on_another_node(
    op: Callable[..., int], capsys: Capture
) -> None:
    needed = replace(
        MADE, id=manifest.BackupId("pre-deployment-20240115_120000"), created="2024-01-15T12:00:00Z"
    )
    lines = [f"{each.id} {manifest.to_json(each)}" for each in (MADE, needed)]
    kept = replace(R1, backup=f"backups/{needed.id}")
    first = manager(read_the_releases=f"current {kept.id}\n{kept.id} {to_json(kept)}\n")
    first.answers[re.compile("du -sk")] = ""
    second = keeping(list_backups="\n".join(lines) + "\n", list_what_restores_put_aside="")
    second.answers[re.compile("du -sk")] = f"1 {MADE.id}\n1 {needed.id}\n"
    first.answers["list what restores put aside"] = ""
    op("backup.prune", "--json", on=[first, second, a_node("app3")])
    rows = json.loads(capsys.readouterr().out)["result"]
    row = next(row for row in rows if row["backup"] == needed.id)
    assert (row["verdict"], R1.id in row["why"]) == ("keep", True)


def test_one_container_is_what_a_backup_is_of() -> None:
    settings = swarm(database=DB)
    both = Placed(settings, {"app1": Holding(("db",)), "app2": Holding(("db",))})
    with pytest.raises(Refused, match="db runs on several nodes: app1, app2"):
        both.node()
    told = Placed(settings, {"app1": Holding(), "app2": Holding(("db",), True)}).settings
    assert [host.name for host in told.hosts_running("db")] == ["app2"]
    assert [host.name for host in told.backup_hosts()] == ["app1", "app2"]


@pytest.mark.parametrize(
    "said", [{"deploy": {"replicas": 2}}, {"scale": 2}, {"deploy": {"mode": "global"}}, {"scale": 1}]
)
def test_several_containers_of_the_database_are_refused_in_pre_flight(said: dict[str, Any]) -> None:
    written = document()
    written["services"]["db"] = {"image": "postgres:15", **said}
    found = list(stacked.judged(swarm(database=DB), json.dumps(written)))
    told = [str(each.text) if isinstance(each, Problem) else each for each in found]
    several = "services.db: it holds data, and a backup is of one container"
    assert told == (["all that it says"] if said == {"scale": 1} else [several])


def test_migrations_may_go_with_a_database_on_whatever_node() -> None:
    migrations = {
        "service": "web",
        "run": ["x"],
        "show": ["x"],
        "applied": "^x",
        "pending": "^y",
        "path": "m",
    }
    assert swarm(database=DB, migrations=migrations).migrations


# Before a deploy


def session(first: FakeHost, second: FakeHost, *, old: bool = True) -> SwarmSession:
    """A run on a Swarm that has found what there is."""
    settings, nodes = swarm(database=DB), Fleet([first, second])
    run = host_run(first, R1 if old else None, release("2", "web", "db"))
    run.context = context(first, settings)
    owner = lock.myself(run.clock, "deploy", "v2")
    made = SwarmSession(settings, nodes.only(["app1"]), None, "run", run.clock, silence, owner, nodes=nodes)
    made.host_runs = (run,)
    made.look_for_data()
    return made


def test_a_deploy_saves_the_data_of_another_node_and_its_record_names_the_backup() -> None:
    first, second = manager(), of_data()
    on = session(first, second)
    backing.look(on)
    assert "back up" not in did(second)
    backing.step(on).run()
    assert [dict(_one(host, "back up").values)["db"] for host in (first, second)] == ["", "id-db"]
    assert on.at_work.backup == "backups/pre-deployment-20250115_120000"


def test_a_deploy_without_the_database_or_without_room_is_refused() -> None:
    with pytest.raises(Refused, match="db runs on no node of the config"):
        backing.look(session(manager(), a_node("app2")))
    full = of_data(look_at_the_room_for_a_backup="free 10\ndatabase 1000000000\n")
    with pytest.raises(Refused, match="are free for it"):
        backing.look(session(manager(), full))


def test_where_nothing_ran_the_database_is_saved_once_it_does() -> None:
    """Its volume may be an old one, and migrations come next."""
    first, second = a_node("app1"), of_data()
    on = session(first, second, old=False)
    backing.look(on)
    backing.step(on).run()
    assert "back up" not in did(second)
    assert backing.begun(on)
    backing.save_first(on)
    assert "back up" in did(second)
    assert "back up" not in did(first), "it has no release yet"


@pytest.mark.parametrize("migrating", [True, False])
def test_a_first_deploy_starts_and_saves_the_database_before_it_is_migrated(
    migrating: bool,
) -> None:
    order: list[str] = []
    first, second = a_node("app1"), of_data()
    for script, said in (("swarm/roll", "service {} well yes 1 of 1 run\n"), ("swarm/job", "")):
        first.answers[_script(script)] = _rolled(script, said, order)
    first.answers[lambda _: True] = ""
    second.answers["back up"] = _noted("back up", second.answers["back up"], order)
    on = session(first, second, old=False)
    shown = {"show": ["x"], "applied": "^x", "pending": "^y"}
    migrations = {"service": "web", "path": "m", "run": ["x"], **shown} if migrating else None
    on.settings = swarm(database=DB, migrations=migrations)
    on.at_work.context = replace(on.at_work.context, settings=on.settings)
    steps = {each.title: each for each in deploy(on).steps}
    assert steps["Pre-deployment backup"].beside
    first_change = steps["Running database migrations" if migrating else "Ingress"]
    assert first_change.waits
    first_change.run()
    assert order[:2] == ["swarm/roll db", "back up"]
    assert order[-1] == ("swarm/job schedgen-migrate" if migrating else "back up")
    assert on.at_work.release.backup == "backups/pre-deployment-20250115_120000"


def _rolled(script: str, said: str, order: list[str]) -> Callable[[Command], Any]:
    def reply(command: Command) -> Any:
        values: dict[str, Any] = dict(command.values)
        names = values.get("services") or [values["service"]]
        order.append(f"{script} {' '.join(names)}")
        return "".join(said.format(name) for name in names)

    return reply


def test_the_next_deploy_puts_right_what_a_killed_restore_left() -> None:
    settings = swarm(database=DB)
    first, second = manager(), of_data()
    note = f"swapping {Note(MADE.id, '20250115_120000', ('database',)).text()}\n"
    second.answers["look for half-exchanged data"] = note
    data_node.put_right(context(first, settings), context(second, settings))
    assert did(second) == ["swap back"]
    assert did(first) == ["start what was stopped"]
    first.commands.clear()
    data_node.put_right(context(first, settings), None)
    data_node.put_right(context(first, settings), context(second, settings), starts=False)
    assert did(first) == []


def test_without_anybody_who_uses_it_nobody_is_stopped() -> None:
    first, second = manager(), of_data()
    on = Users(context(first, swarm(database=DB)), ())
    on.check()
    on.around(lambda: None, Fleet([second]), lambda at: context(at, swarm(database=DB)))
    assert did(first) == ["start what was stopped"]


def test_a_rollback_exchanges_the_database_on_its_node_and_a_recovery_exchanges_it_back() -> None:
    settings = swarm(database=DB)
    order: list[str] = []
    first, second = manager(), keeping()
    for host in (first, second):
        _noting(host, order)
    nodes, newer = Fleet([first, second]), release("2", "web", previous=R1.id, backup=f"backups/{MADE.id}")
    shelf = Shelf(newer.id, (R1, newer), written=newer.id)
    placed = Placed(settings, {"app1": Holding(), "app2": Holding(("db",), True)})
    data = restored_data.of_release(nodes, lambda at: context(at, settings), placed, shelf, R1.id)
    data.check()
    assert order == []
    data.prepare()
    data.swap(lambda: order.append("older services"))
    data.back(lambda: order.append("newer services"))
    there = ["stop web", "swap", "older services", "start what was stopped"]
    back = ["stop web", "swap back", "newer services", "start what was stopped"]
    assert order == ["restore beside", *there, *back]
    order.clear()
    (restore,) = data.todo.values()
    begun = replace(newer, restored=(restore.backup.id, restore.stamp))
    at, of_data_ = context(first, settings), context(second, settings)
    restored_data.back(at, of_data_, nodes, begun, lambda: order.append("newer services"))
    assert order == back
    assert did(second)[-1] == "discard what a restore put aside"


def test_without_a_backup_of_the_older_release_its_database_is_not_taken_back() -> None:
    settings = swarm(database=DB)
    nodes, newer = Fleet([manager(), keeping()]), release("2", "web", previous=R1.id)
    shelf = Shelf(newer.id, (R1, newer), written=newer.id)
    placed = Placed(settings, {"app2": Holding(("db",), True)})
    with pytest.raises(Refused, match=f"no backup is known that was made while {R1.id} served"):
        restored_data.of_release(nodes, lambda at: context(at, settings), placed, shelf, R1.id)


# What runs on the nodes

# A manager of which each service is a file: how many containers it is to have, and their state.
_DOCKER = r"""
cd -- "$FAKE" || exit 9
echo "$*" >> log
case "$*" in
  'service inspect --format {{with'*json*) [ -e "${!#}" ] && echo "$(cut -d' ' -f1 "${!#}") 2000000000" ;;
  'service inspect --format {{with'*) [ -e "${!#}" ] && cut -d' ' -f1 "${!#}" ;;
  'service scale --detach '*)
    for each in "${@:4}"; do
      n=${each#*=}
      if [ -e stuck ]; then state=Running; elif [ "$n" = 0 ]; then state=Gone; else state=Running; fi
      echo "$n $state" > "${each%=*}"
    done
    ;;
  'service ps --format'*)
    for each in "${@:5}"; do echo "$each.1 $(cut -d' ' -f2 "$each") 1 second ago"$'\t'n2; done
    ;;
  'node ls '*) cat nodes 2> /dev/null ;;
  'service ps --filter'*)
    read -r n state < "${!#}"
    for ((; n > 0; n--)); do echo "$state 1 second ago"; done
    ;;
  'ps --quiet'*)
    last=${!#}
    [ ! -e "here-${last##*=}" ] || echo id
    ;;
  *) exit 9 ;;
esac
"""


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """A folder with the engine, and `web` with two containers."""
    program(tmp_path, "docker", f"FAKE={tmp_path}\n{_DOCKER}")
    (tmp_path / "shop_web").write_text("2 Running\n")
    return tmp_path


def _run(engine: Path, command: Command) -> Any:
    return bash(command, engine, PATH=path(engine))


def _pause(engine: Path, *services: str, limit: int = 5) -> Any:
    record = str(engine / "state/stopped/services")
    return _run(engine, swarm_data.pause(Docker(False), "shop", record, services, limit))


def _resume(engine: Path, limit: int = 5) -> Any:
    record = str(engine / "state/stopped/services")
    return _run(engine, swarm_data.resume(Docker(False), "shop", record, limit))


def test_what_is_stopped_gets_back_what_it_had_however_often_it_is_stopped(engine: Path) -> None:
    for _ in range(2):
        assert _pause(engine, "web").ok
        assert (engine / "shop_web").read_text() == "0 Gone\n"
        assert (engine / "state/stopped/services").read_text() == "web 2\n"
    done = _resume(engine)
    assert (done.stdout, done.stderr) == ("resumed web\n", "")
    assert (engine / "shop_web").read_text() == "2 Running\n"
    assert not (engine / "state/stopped/services").exists()
    assert (_resume(engine).stdout, _resume(engine).code) == ("", 0)


def test_a_service_that_is_not_there_or_runs_everywhere_stops_nobody(engine: Path) -> None:
    (engine / "shop_agent").write_text("everywhere Running\n")
    for name, said in (("more", "no service of the stack"), ("agent", "runs on every node")):
        failed = _pause(engine, "web", name)
        assert (failed.code, said in failed.stderr) == (1, True)
    assert (engine / "shop_web").read_text() == "2 Running\n"
    assert not (engine / "state").exists()


def test_one_that_does_not_end_in_its_time_is_named(engine: Path) -> None:
    (engine / "stuck").touch()
    failed = _pause(engine, "web", limit=0)
    assert (failed.code, "still run: shop_web.1 Running" in failed.stderr) == (1, True)
    # Nobody sees the end of what was on a node that is lost: it is waited for where its node is there alone.
    (engine / "nodes").write_text("n1 Ready\nn2 Ready\n")
    assert not _pause(engine, "web", limit=0).ok
    (engine / "nodes").write_text("n1 Ready\nn2 Down\n")
    assert _pause(engine, "web", limit=0).ok


def test_what_somebody_else_gave_containers_meanwhile_is_left_alone(engine: Path) -> None:
    assert _pause(engine, "web").ok
    (engine / "shop_web").write_text("5 Running\n")
    assert _resume(engine).ok
    assert (engine / "shop_web").read_text() == "5 Running\n"


def test_a_node_tells_what_it_has(engine: Path) -> None:
    command = swarm_data.holding(Docker(False), "shop", ["db"], str(engine / "dir"), "backups")
    assert swarm_data.parse_holding(_run(engine, command).lines()) == Holding()
    (engine / "here-db").touch()
    (engine / "dir/backups").mkdir(parents=True)
    assert swarm_data.parse_holding(_run(engine, command).lines()) == Holding(("db",), True)


# The last backup, before a deploy


@pytest.mark.parametrize(
    ("nodes", "title", "mark", "said"),
    [
        ((keeping(),), "Last backup", Mark.PASSED, MADE.id),
        ((keeping(),), "A backup was restored once", Mark.WARNING, "was never restored"),
        ((of_data(),), "Last backup", Mark.WARNING, "there is no good backup"),
        ((a_node("app2"),), "Last backup", Mark.UNKNOWN, "db runs on no node of the config"),
    ],
)
def test_a_checklist_asks_the_node_of_the_database_for_the_last_backup(
    nodes: tuple[FakeHost, ...], title: str, mark: Mark, said: str
) -> None:
    fleet = Fleet([manager(), *nodes, a_node("app3")])
    op: Any = SimpleNamespace(settings=swarm(hosts=HOSTS, database=DB), nodes=fleet)
    saved = placing.catalog(op)
    at = HostContext(SimHost(), one, FakeClock(), silence)
    found = {tick.box.title: tick for tick in checklist.look(at, Ref("v1.2.3"), saved=saved).ticks}
    assert (found[title].mark, said in found[title].text) == (mark, True), found[title]
