"""Services of a Swarm restarted, stopped, started, scaled by hand: what a manager does, and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import FakeHost
from kit import bash, path
from swarm_kit import engine, record, swarm
from test_swarm_data import DB, HOSTS, did
from test_swarm_environment import node, service
from test_swarm_rolling import _script, release
from test_tasks import Capture, Inv

from schedgen_ops.commands import swarm_ops
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm import Rolled, StackCommands, parse, parse_rolled
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.orchestrators.swarm import stack
from schedgen_ops.release.record import to_json
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.swarm.manager import numbered
from schedgen_ops.ui.session import Ui

inv = test_tasks.inv
NEW = "aa11"
SAID = {"N": '"replicas": 9'}


@pytest.fixture
def manager(tmp_path: Path) -> Path:
    """A manager with `web`, of which two containers run, for the first time."""
    engine(tmp_path)
    put(tmp_path, forced="1", service_web=f"{NEW} completed 2/2")
    put(tmp_path, task_web_1=f"running running {NEW}/0", task_web_2=f"running running {NEW}/0")
    return tmp_path


def put(folder: Path, **texts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("_", "-")).write_text(f"{text}\n")


def change(manager: Path, how: str, count: int = 2, limit: int = 20) -> tuple[Result, Rolled]:
    command = swarm_ops.change(Docker(False), "shop", how, {"web": count}, limit)
    result = bash(command, manager, PATH=path(manager))
    (rolled,) = parse_rolled(result.lines())
    return result, rolled


def updates(manager: Path) -> list[str]:
    """What the manager was told of services."""
    log = (manager / "log").read_text().splitlines()
    return [line.partition("--quiet ")[2] for line in log if line.startswith("service update ")]


def test_a_restart_is_done_once_containers_that_were_there_before_are_gone(manager: Path) -> None:
    """They have the same definition, and the last update is over: neither says anything of this one."""
    put(manager / "next-5", task_web_3=f"running running {NEW}/1", task_web_1=f"shutdown shutdown {NEW}/0")
    put(manager / "next-9", task_web_4=f"running running {NEW}/1", task_web_2=f"shutdown shutdown {NEW}/0")
    result, rolled = change(manager, "restart")
    assert rolled == Rolled("web", "well", True, "2 of 2 run")
    assert "say web: 0 of 2 run" in result.lines()
    assert updates(manager) == ["--force shop_web"]


def test_a_restart_that_does_not_get_well_says_what_the_swarm_says_of_the_new_ones(manager: Path) -> None:
    put(manager / "updates", service_web=f"{NEW} paused 2/2 update paused due to failure")
    put(manager / "updates", task_web_3=f"shutdown failed {NEW}/1 task: non-zero exit (7)")
    put(manager, task_web_0=f"shutdown failed {NEW}/0 of another time")
    result, rolled = change(manager, "restart")
    assert (result.code, rolled) == (1, Rolled("web", "bad", True, "task: non-zero exit (7)"))


def test_what_is_stopped_says_how_many_there_were_and_gets_them_back(manager: Path) -> None:
    put(manager / "updates", service_web=f"{NEW} new 0/0")
    put(manager / "next-2", task_web_1=f"remove shutdown {NEW}/0", task_web_2=f"remove shutdown {NEW}/0")
    assert change(manager, "stop", limit=5)[1].well
    assert updates(manager) == ["--replicas 0 --label-add schedgen.stopped=2 shop_web"]
    put(manager, stopped="2")
    put(manager / "updates", service_web=f"{NEW} new 2/2", task_web_5=f"running running {NEW}/0")
    put(manager / "updates", task_web_6=f"running running {NEW}/0")
    assert change(manager, "start", 7)[1] == Rolled("web", "well", True, "2 of 2 run")
    assert updates(manager)[1:] == ["--replicas 2 --label-rm schedgen.stopped shop_web"]


def test_what_is_stopped_already_keeps_the_number_that_it_had(manager: Path) -> None:
    put(manager, service_web=f"{NEW} new 0/0")
    for number in "12":
        (manager / f"task-web-{number}").unlink()
    put(manager, task_web_1=f"remove shutdown {NEW}/0")
    assert change(manager, "stop")[1].well
    assert updates(manager) == []


def test_what_somebody_scaled_to_nothing_is_started_with_what_its_release_has(manager: Path) -> None:
    put(manager, service_web=f"{NEW} new 0/0")
    put(manager / "updates", service_web=f"{NEW} new 2/2")
    assert change(manager, "start", 2)[1].well
    assert updates(manager) == ["--replicas 2 --label-rm schedgen.stopped shop_web"]


def test_what_does_not_end_in_its_time_is_not_called_stopped(manager: Path) -> None:
    result, rolled = change(manager, "stop", limit=1)
    assert (result.code, rolled.how) == (1, "late")
    assert "after 1 s there still run: shop_web.1" in rolled.text


def test_a_number_that_does_not_get_well_is_taken_back(manager: Path) -> None:
    put(
        manager / "updates",
        service_web=f"{NEW} new 2/3",
        task_web_3="running pending aa11 no node",
    )
    result, rolled = change(manager, "scale", 3, limit=2)
    assert (result.code, rolled.how) == (1, "late")
    assert rolled.text == "2 of 3 run: no node; it is to have 2 again"
    assert updates(manager) == [
        "--replicas 3 --label-rm schedgen.stopped shop_web",
        "--replicas 2 shop_web",
    ]


def test_fewer_are_there_once_the_others_have_ended(manager: Path) -> None:
    put(manager / "updates", service_web=f"{NEW} new 1/1")
    put(manager / "next-9", task_web_2=f"remove shutdown {NEW}/0")
    assert change(manager, "scale", 1)[1].well
    assert int((manager / "looks").read_text()) >= 9


def test_what_a_deploy_starts_that_was_stopped_is_said_and_counts_as_changed(manager: Path) -> None:
    part = {"services": {"web": {"deploy": {"replicas": 2}, "labels": {"schedgen.definition": NEW}}}}
    (manager / "web.json").write_text(json.dumps(part, indent=1))
    put(manager, service_web=f"{NEW} new 0/0")
    put(manager / "deploys", service_web=f"{NEW} completed 2/2")
    command = StackCommands(Docker(False), "shop").roll(str(manager), ["web"], 10, 0)
    result = bash(command, manager, PATH=path(manager))
    assert "say web: it was stopped, and is started" in result.lines()
    assert parse_rolled(result.lines()) == (Rolled("web", "well", True, "2 of 2 run"),)


def test_files_of_a_release_are_given_another_number(tmp_path: Path) -> None:
    deploy = {"replicas": 2, "labels": {"replicas": "5"}}
    for name, said in (("web", deploy), ("agent", {"mode": "global"})):
        text = json.dumps({"services": {name: {"deploy": said, "environment": SAID}}}, indent=1)
        (tmp_path / f"{name}.json").write_text(text)
    assert bash(swarm_ops.number(str(tmp_path), {"web": 4, "agent": 4}), tmp_path).ok
    web = json.loads((tmp_path / "web.json").read_text())["services"]["web"]
    assert web["deploy"] == {**deploy, "replicas": 4}
    assert web["environment"] == SAID
    assert "4" not in (tmp_path / "agent.json").read_text()


def test_containers_stay_as_they_are_where_only_their_number_is_another() -> None:
    def made(**deploy: Any) -> str:
        return stack.finished("web", {"image": "a", "deploy": deploy}, {}, swarm()).definition

    assert made(replicas=2) == made(replicas=3) != made(replicas=2, labels={"a": "b"})


def test_a_release_keeps_the_number_that_there_is_where_its_compose_file_says_none() -> None:
    told = "\n".join((*service("web", "3/3"), *stopped("api", 4), *service("db")))
    there = parse(told, "shop")
    records = {name: record(counted=False) for name in ("web", "api", "new")} | {"db": record()}
    assert {name: each.replicas for name, each in numbered(records, there).items()} == {"web": 3, "api": 4}


def stopped(name: str, had: int) -> tuple[str, ...]:
    about, more, *_ = service(name, "0/0")
    return about, json.dumps({**json.loads(more), "stopped": str(had)})


# The tasks

_RECORDS = release("1", "web", "store", "migrate")
R1 = replace(
    _RECORDS,
    services={**_RECORDS.services, "web": replace(_RECORDS.services["web"], proxies=("web_3000",))},
)


@pytest.fixture
def op(inv: Inv) -> Callable[..., int]:
    """Runs a task on a Swarm of three hosts."""
    text = {"project": "shop", "directory": "/srv/shop", "hosts": HOSTS}
    more = {"orchestrator": "swarm", "swarm": {"registry": "registry:5000"}}
    Path("config/staging.yaml").write_text(json.dumps({**text, **more}))
    return inv


def well(command: Command) -> str:
    names = dict(command.values)["services"]
    return "".join(f"service {name} well yes 2 of 2 run\n" for name in names)  # type: ignore[union-attr]


def hosts(*told: str, changes: Any = well) -> list[FakeHost]:
    """A manager whose Swarm has these services, and two nodes."""
    there = "\n".join((node(), *(told or (*service("web", "2/2"), *pinned("store")))))
    known: dict[Any, Any] = {
        "look at the Swarm": there,
        "read the releases": f"current {R1.id}\n{R1.id} {to_json(R1)}\n",
        "look for half-exchanged data": "",
        "schedgen-lock": "acquired \n",
        _script("swarm/change"): changes,
        _script("swarm/roll"): changes,
        (lambda _: True): "",
    }
    return [FakeHost(name, {**known}) for name in ("app1", "app2", "app3")]


def pinned(name: str) -> tuple[str, ...]:
    about, more, *rest = service(name)
    return about, json.dumps({**json.loads(more), "order": "stop-first", "placed": ["node.id == id1"]}), *rest


def everywhere(name: str) -> tuple[str, ...]:
    about, *rest = service(name)
    return json.dumps({**json.loads(about), "mode": "global"}), *rest


def changed(host: FakeHost) -> list[tuple[Any, Any, Any]]:
    found = (dict(each.values) for each in host.commands if each.script == "swarm/change")
    return [(each["how"], tuple(each["services"]), tuple(each["counts"])) for each in found]  # type: ignore[arg-type]


def test_services_are_changed_by_the_manager_under_its_lock_and_said_well_once_seen(
    op: Callable[..., int], capsys: Capture
) -> None:
    first, *others = hosts()
    assert op("ops.restart", "web,store", "--yes", on=[first, *others]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert changed(first) == [("restart", ("web",), ("2",)), ("restart", ("store",), ("1",))]
    assert "web restarted: 2 containers seen well" in said
    assert "store restarted: 1 container seen well" in said
    assert "schedgen-lock" in did(first)
    assert not any(changed(each) for each in others)


def test_who_is_asked_before_a_restart_is_told_what_has_no_gap(
    op: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(Ui, "confirm", lambda _, *texts, yes: notes.extend(texts))
    on = hosts()
    assert op("ops.restart", "web,store", on=on) == 3
    assert notes[1:] == [
        "web, 2 containers: new ones start before the old ones end",
        "store, 1 container: it does not answer for a moment",
    ]
    assert changed(on[0]) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("ops.restart", "wbe"), 2, "There are: agent, migrate, off, store, web"),
        (("ops.restart", "migrate"), 3, "is a job"),
        (("ops.restart", "off"), 3, "`inv ops.start off` starts it"),
        (("ops.stop", "agent"), 3, "runs on every node"),
        (("ops.start", "agent"), 3, "runs on every node"),
        (("ops.scale", "agent", "2"), 3, "runs on every node"),
        (("ops.scale", "store", "2"), 3, "belongs to one node"),
        (("ops.scale", "web", "0"), 2, "`inv ops.stop` stops it"),
        (("ops.scale", "web,store", "2"), 2, "one service is scaled"),
        (("ops.scale", "web", "9"), 3, "the ingress has room for 8 containers of web"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_changes(
    op: Callable[..., int], capsys: Capture, words: tuple[str, ...], code: int, said: str
) -> None:
    on = hosts(*service("web", "2/2"), *pinned("store"), *everywhere("agent"), *stopped("off", 2))
    yes = () if words[0] in ("ops.start", "ops.scale") else ("--yes",)
    assert (op(*words, *yes, on=on), changed(on[0])) == (code, [])
    assert said in capsys.readouterr().err


def test_one_in_trouble_that_goes_on_serving_ends_with_4_and_the_swarms_reason(
    op: Callable[..., int], capsys: Capture
) -> None:
    def fails(_: Command) -> Result:
        return Result("service web bad yes No such image: shop-web\n", "", 1, 0.0)

    assert op("ops.restart", "web", "--yes", on=hosts(changes=fails)) == 4
    said = capsys.readouterr().err
    assert "web was restarted and is not well: No such image: shop-web" in said
    gone = hosts(*service("web", "0/2"), changes=fails)
    assert op("ops.restart", "web", "--yes", on=gone) == 5


def test_a_stop_says_what_starts_it_again(op: Callable[..., int], capsys: Capture) -> None:
    on = hosts()
    assert op("ops.stop", "web", "--yes", on=on) == 0
    said = capsys.readouterr().out
    assert "web is stopped: `inv ops.start web` starts it, with 2 containers; a deploy or a rollback" in said
    assert changed(on[0]) == [("stop", ("web",), ("2",))]


def test_what_is_not_there_is_started_as_the_serving_release_has_it(op: Callable[..., int]) -> None:
    on = hosts(*stopped("web", 4))
    assert op("ops.start", "web,store", on=on) == 0
    (rolled,) = (dict(each.values) for each in on[0].commands if each.script == "swarm/roll")
    assert rolled["folder"] == f"/srv/shop/.schedgen/releases/{R1.id}/swarm"
    assert rolled["services"] == ("store",)
    assert changed(on[0]) == [("start", ("web",), ("4",))]


def test_a_number_that_no_compose_file_says_is_kept_by_what_goes_back_and_by_a_deploy(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = hosts()
    assert op("ops.scale", "web", "3", on=on) == 0
    assert changed(on[0]) == [("scale", ("web",), ("3",))]
    assert "a deploy or a rollback makes 1 of web again" in capsys.readouterr().out
    assert not any(each.script == "swarm/number" for each in on[0].commands)
    free = replace(R1, services={**R1.services, "web": replace(R1.services["web"], counted=False)})
    on[0].answers["read the releases"] = f"current {free.id}\n{free.id} {to_json(free)}\n"
    assert op("ops.scale", "web", "3", on=on) == 0
    assert "a deploy keeps that number" in capsys.readouterr().out
    (kept,) = (dict(each.values) for each in on[0].commands if each.script == "swarm/number")
    assert (kept["services"], kept["counts"]) == (("web",), ("3",))


def test_data_that_is_half_exchanged_on_any_node_keeps_services_as_they_are(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = hosts()
    on[1].answers["look for half-exchanged data"] = "swapping x\n"
    config = json.loads(Path("config/staging.yaml").read_text())
    Path("config/staging.yaml").write_text(json.dumps({**config, "database": DB}))
    assert (op("ops.restart", "web", "--yes", on=on), changed(on[0])) == (3, [])
    assert "data was being exchanged" in capsys.readouterr().err


# The schema, the database's sessions, and room

JOB = {"image": "a", "command": ["run"], "labels": {"schedgen.definition": NEW}}
LISTED = "[X] 1 First\n[ ] 2 Second\n"
MIGRATIONS = {
    "service": "web",
    "path": "migrations",
    "run": ["run", "$it"],
    "show": ["show"],
    "revert": ["revert"],
    "applied": r"^\[X\] \d (.+)$",
    "pending": r"^\[ \] \d (.+)$",
}


def with_jobs(op: Callable[..., int], *lists: str, fails: str = "") -> list[FakeHost]:
    """A Swarm whose job lists, one time after the other, what is applied and pending."""
    config = json.loads(Path("config/staging.yaml").read_text())
    Path("config/staging.yaml").write_text(json.dumps({**config, "migrations": MIGRATIONS}))
    on, told = hosts(), [*lists]

    def job(command: Command) -> Result:
        name = str(dict(command.values)["service"])
        if name.startswith("schedgen-look-"):
            return Result(told.pop(0), "", 0, 0.0)
        return Result("", fails and f"{name}: {fails}\n", int(bool(fails)), 0.0)

    file = json.dumps({"services": {"schedgen-migrate": JOB}})
    on[0].answers = {_script("swarm/job"): job, _reads: file, **on[0].answers}
    return on


def _reads(command: Command) -> bool:
    return command.text.startswith("cat ")


def jobs(host: FakeHost) -> list[tuple[str, list[str]]]:
    """The commands that jobs had, with the names of these."""
    written = [json.loads(str(each.stdin)) for each in host.commands if each.script == "files/replace"]
    return [(name, job["command"]) for each in written for name, job in each["services"].items()]


def test_pending_migrations_are_applied_by_the_job_of_a_deploy_and_seen_applied(
    op: Callable[..., int], capsys: Capture
) -> None:
    done = LISTED.replace("[ ]", "[X]")
    on = with_jobs(op, LISTED, LISTED, done)
    assert op("ops.migrate", "--yes", on=on) == 0, capsys.readouterr().err
    assert "applied: Second" in capsys.readouterr().out
    assert [command for _, command in jobs(on[0])] == [["show"], ["show"], ["run", "$$it"], ["show"]]
    # A look may be made while somebody deploys, whose job has the other name.
    assert [name == "schedgen-migrate" for name, _ in jobs(on[0])] == [False, False, True, False]
    assert len({name for name, _ in jobs(on[0])}) == 4
    assert not any(each.script == "swarm/job" for each in on[1].commands)


def test_a_migration_that_fails_says_why_and_what_is_not_known_is_no_success(
    op: Callable[..., int], capsys: Capture
) -> None:
    on = with_jobs(op, LISTED, LISTED, fails="task: non-zero exit (1)")
    assert op("ops.migrate", "--yes", on=on) == 5
    assert "the migrations failed: task: non-zero exit (1)" in capsys.readouterr().err
    assert op("ops.migrations", on=with_jobs(op, "what?\n")) == 5
    assert "where the migrations stand is not known" in capsys.readouterr().err


def test_a_release_without_the_job_of_migrations_says_so(op: Callable[..., int], capsys: Capture) -> None:
    on = with_jobs(op)
    del on[0].answers[_reads]
    assert op("ops.migrations", on=on) == 5
    assert "no job for migrations" in capsys.readouterr().err


def test_a_session_is_ended_where_the_database_runs_under_the_managers_lock(op: Callable[..., int]) -> None:
    config = json.loads(Path("config/staging.yaml").read_text())
    Path("config/staging.yaml").write_text(json.dumps({**config, "database": DB}))
    on = hosts()
    on[1].answers["look for the data"] = "runs db\n"

    def ended(command: Command) -> bool:
        return "pg_terminate_backend" in f"{command.stdin!r}{command.text}"

    on[1].answers = {ended: "0.01\nt\n", **on[1].answers}
    op("ops.end-session", "1591", "--yes", on=on)
    assert any(map(ended, on[1].commands))
    assert "schedgen-lock" in did(on[0])
    assert "schedgen-lock" not in did(on[1])


def test_room_is_made_on_every_node_that_answers(op: Callable[..., int], capsys: Capture) -> None:
    on = hosts()
    waste = "Images\t0B\t1\nBuild Cache\t1GB\t4\ndangling\t2\t\n"
    for host in on[:2]:
        host.answers["docker system df"] = waste
        host.answers["docker prune"] = "Total reclaimed space: 1GB\n"
    on[2].answers = {(lambda _: True): ConnectionLost("the node is lost")}
    assert op("ops.prune", "--yes", on=on) == 0, capsys.readouterr().err
    states = [
        str(dict(each.values)["state"]) for host in on for each in host.commands if each.script == "ops/prune"
    ]
    assert states == ["/srv/shop/.schedgen", ".local/state/schedgen/shop/.schedgen"]
    assert "app3" in capsys.readouterr().out
