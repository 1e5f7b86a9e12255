"""A restore step by step: what is asked of the host, and what is undone when a step fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from fakes import Answer, FakeHost, context, result
from hypothesis import given
from hypothesis.strategies import text
from kit import BACKUP, DIRECTORY, bash, quickly, settings

from schedgen_ops.backup.catalog import names, superseded
from schedgen_ops.backup.data_location import locate
from schedgen_ops.backup.restore import run, swap
from schedgen_ops.backup.restore.elsewhere import Elsewhere
from schedgen_ops.backup.restore.row_diff import RowDiff, row_diff
from schedgen_ops.commands import stopped
from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.errors import ConnectionLost, OpsError, Refused
from schedgen_ops.events import Emit, Event, Message, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_scripts import joined
from schedgen_ops.shell import sh

MADE = replace(BACKUP, rows={"public.jobs": 3}, roles=("app",), sizes={"database": 10**9, "objects": 512})
SEEN = 'rows ["public.jobs",3]\ncounted\nobjects 3 0\nend\n'
SERVER = '{"version": 150018, "tablespaces": ["pg_default"]}'
SLOTS = "end what follows the old database"
STAMP = "20250115_120000"


def whole(
    remote: FakeHost,
    emit: Emit = silence,
    *,
    parts: frozenset[str] = run.DATA,
    discard_old: bool = False,
) -> run.Restore:
    """All of a restore, as the task does it step by step."""
    one = run.Restore(context(remote, settings(), emit=emit), MADE, parts)
    one.check()
    one.prepare()
    try:
        one.swap()
    except BaseException:
        one.back()
        one.drop()
        raise
    one.settle()
    if discard_old:
        one.discard_old()
    return one


def boxes(*services: str) -> str:
    rows: list[dict[str, Any]] = [
        {
            "id": f"id-{service}",
            "name": f"/p-{service}-1",
            "image": f"sha256:{service}",
            "labels": {"com.docker.compose.service": service},
            "status": "running",
            "health": "",
            "started": "",
            "restarts": 0,
            "exit_code": 0,
            "oom": False,
            "image_name": service,
        }
        for service in services
    ]
    return "\n".join(map(json.dumps, rows))


STATE = f"{DIRECTORY}/.schedgen"
ALL = boxes("postgres", "minio", "backend", "pdf-worker", "frontend")


def host(**answers: Answer) -> FakeHost:
    table: dict[Any, Answer] = {
        "docker inspect": ALL,
        "verify the backup": "objects 3 512\n",
        "restore beside": SEEN,
        "look at the database server": SERVER,
        SLOTS: "",
        "swap": "gap 1500000\n",
        "swap back": "gap 1\n",
        "discard what a restore put aside": "",
    }
    return FakeHost(answers=table | {name.replace("_", " "): answer for name, answer in answers.items()})


def titles(on: FakeHost) -> list[str]:
    looks = ("docker inspect", "look at the clock", "look at the database server")
    return [command.title for command in on.commands if command.title not in looks]


def test_a_restore_is_checked_prepared_and_exchanged_in_this_order() -> None:
    on, told = host(), list[Event]()
    done = whole(on, told.append)
    assert titles(on) == ["verify the backup", "restore beside", "swap", SLOTS]
    assert done.gap == 1.5
    assert done.kept == (f"database schedgen_before_{STAMP}", f"objects .schedgen-before-{STAMP}")
    beside, swap = on.commands[-3], on.commands[-2]
    for word in ("id-postgres", "id-minio", "sha256:minio", f"schedgen_new_{STAMP}", "database.sql.gz"):
        assert word in dict(beside.values).values()
    assert str(beside.stdin).startswith('["app"]\n')
    # Only the services that use the data are stopped.
    assert dict(swap.values)["clients"] == ("id-backend", "id-pdf-worker")
    assert told[-1] == Message(
        "info", "The restored data serves; backend, pdf-worker stopped for 1.5s", "app1"
    )


def test_the_old_data_is_discarded_on_request_only() -> None:
    on = host()
    whole(on, discard_old=True)
    assert titles(on)[-1] == "discard what a restore put aside"
    assert dict(on.commands[-1].values)["names"] == (f"schedgen_before_{STAMP}", f".schedgen-before-{STAMP}")


@pytest.mark.parametrize(
    ("part", "given", "left_out"),
    [("database", "id-postgres", "id-minio"), ("objects", "id-minio", "id-postgres")],
)
def test_one_part_alone_is_restored(part: str, given: str, left_out: str) -> None:
    on = host(
        restore_beside='rows ["public.jobs",3]\ncounted\nend' if part == "database" else "objects 3 0\nend"
    )
    done = whole(on, parts=frozenset({part}))
    assert len(done.kept) == 1
    for command in on.commands:
        if command.title in ("docker inspect", "look at the clock"):
            continue
        assert given in command.text or command.title == "verify the backup"
        assert left_out not in command.text


def test_a_damaged_backup_is_not_restored() -> None:
    on = host(verify_the_backup="wrong database.sql.gz is missing\nobjects 3 512\n")
    with pytest.raises(OpsError, match="is damaged"):
        whole(on)
    assert titles(on) == ["verify the backup"]


@pytest.mark.parametrize(
    ("gone", "said"), [("postgres", "postgres is not running"), ("minio", "minio is not")]
)
def test_what_does_not_run_cannot_be_restored_into(gone: str, said: str) -> None:
    left = boxes(*({"postgres", "minio", "backend"} - {gone}))
    with pytest.raises(Refused, match=said):
        whole(host(docker_inspect=left))


def test_rows_that_differ_are_dropped_before_anything_is_exchanged() -> None:
    on = host(restore_beside=SEEN.replace('jobs",3', 'jobs",2'))
    with pytest.raises(OpsError, match=r"not what was saved: public\.jobs has 2 rows instead of 3"):
        whole(on)
    assert titles(on) == ["verify the backup", "restore beside", "discard what a restore put aside"]
    assert dict(on.commands[-1].values)["names"] == (f"schedgen_new_{STAMP}", f".schedgen-new-{STAMP}")


@pytest.mark.parametrize(
    "error", [result(stderr="reason: not healthy", code=1), ConnectionLost("gone"), KeyboardInterrupt()]
)
def test_an_exchange_that_fails_is_taken_back_and_the_restored_data_dropped(error: Answer) -> None:
    on = host(swap=error)
    with pytest.raises((OpsError, KeyboardInterrupt)):
        whole(on)
    assert titles(on)[-3:] == ["swap", "swap back", "discard what a restore put aside"]


def test_what_a_script_said_becomes_cause_and_hint() -> None:
    on = host(restore_beside=result(stderr="gzip: No space left on device\nreason: the dump failed", code=1))
    with pytest.raises(OpsError, match="the disk is full: the dump failed") as caught:
        whole(on)
    assert "inv ops.prune" in caught.value.hint


def test_a_loss_is_told_table_by_table_in_words() -> None:
    on = FakeHost(
        answers={
            "docker inspect": ALL,
            "count the rows": 'rows ["public.jobs",5]\nrows ["public.new",1]\ncounted\n',
        }
    )
    made = replace(MADE, rows={"public.jobs": 3, "public.old": 2})
    found = row_diff(context(on, settings()), made)
    assert found == (
        RowDiff("public.jobs", 3, 5),
        RowDiff("public.new", None, 1),
        RowDiff("public.old", 2, None),
    )
    assert [str(each) for each in found] == [
        "public.jobs: 2 rows would be lost (5 now, 3 then)",
        "public.new with its 1 rows would go",
        "public.old is missing and would come back with 2 rows",
    ]
    assert row_diff(context(on, settings()), BACKUP) == ()
    with pytest.raises(Refused, match="not running"):
        row_diff(context(host(docker_inspect=boxes("minio")), settings()), made)


def test_what_was_put_aside_is_listed_with_its_bytes_and_removed_by_name() -> None:
    answer = f"database schedgen_before_{STAMP} 2048\nobjects .schedgen-before-{STAMP} 4\n"
    on = host(list_what_restores_put_aside=answer)
    kept = superseded.look(context(on, settings()))
    assert kept == {f"schedgen_before_{STAMP}": 2048, f".schedgen-before-{STAMP}": 4096}
    superseded.discard(context(on, settings()), tuple(kept))
    assert dict(on.commands[-1].values)["names"] == (f"schedgen_before_{STAMP}", f".schedgen-before-{STAMP}")


def test_an_answer_without_an_end_is_none() -> None:
    with pytest.raises(ValueError, match="answered"):
        swap.parse_gap("")


def helper(tmp_path: Any, action: str) -> None:
    command = sh("sh", "-c", joined("objects/volume.sh"), "sh", action)
    assert bash(command, tmp_path, path=str(tmp_path), stamp=STAMP).ok


def tree(tmp_path: Any) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_objects_are_exchanged_and_put_back_whole_also_after_a_break(tmp_path: Any) -> None:
    data, new = tmp_path / "data", f".schedgen-new-{STAMP}"
    foreign = (".schedgen-designs/a", ".schedgen-before-20240101_000000/b")
    for name in ("jobs/old", ".minio.sys/a", f"{new}/data/jobs/new", f"{new}/data/.minio.sys/b", *foreign):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    (data / new / "mark").write_text(f"schedgen restore {STAMP}\n")
    first, old = tree(data), f".schedgen-before-{STAMP}"

    def half(folder: str) -> None:
        (data / folder / "data").mkdir(parents=True)
        (data / folder / "mark").write_text(f"schedgen restore {STAMP}\n")
        (data / "jobs").rename(data / folder / "data" / "jobs")

    # Broken off as it began, and when some were aside and nothing was in their place: forward goes on, back
    # puts them back.
    (data / old).mkdir()
    helper(data, "back")
    assert tree(data) == first
    half(old)
    helper(data, "back")
    assert tree(data) == first
    half(old)
    helper(data, "forward")
    helper(data, "forward")
    moved = [f"{old}/data/{name}" for name in (".minio.sys/a", "jobs/old", *foreign)]
    after = [*moved, f"{old}/mark", f"{old}/moved", ".minio.sys/b", "jobs/new"]
    assert tree(data) == sorted(after)
    # Broken off when some of the new ones were in place.
    half(new)
    helper(data, "forward")
    assert tree(data) == sorted(after)
    helper(data, "back")
    helper(data, "back")
    assert tree(data) == first


def test_what_a_store_made_anew_in_between_goes_aside_and_what_it_had_comes_back(tmp_path: Any) -> None:
    data, old, new = tmp_path / "data", f".schedgen-before-{STAMP}", f".schedgen-new-{STAMP}"
    for folder in (old, new):
        (data / folder / "data").mkdir(parents=True)
        (data / folder / "mark").write_text(f"schedgen restore {STAMP}\n")
    # Broken off when the first were aside; then the store was started.
    for name in (f"{old}/data/.minio.sys/a", "jobs/old", ".minio.sys/anew", f"{new}/data/.minio.sys/b"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    helper(data, "back")
    helper(data, "back")
    kept = [f"{new}/data/.minio.sys/b", f"{new}/mark", f"{new}/met0/anew"]
    assert tree(data) == sorted([".minio.sys/a", "jobs/old", *kept])
    helper(data, "undo")
    assert tree(data) == [".minio.sys/a", "jobs/old"]


def test_services_elsewhere_that_use_the_only_database_are_stopped_meanwhile() -> None:
    data = ["postgres", "redis", "minio", "pdf-worker", "prometheus", "grafana"]
    config = settings(
        {"name": "app1", "address": "a", "services": data},
        {"name": "app2", "address": "b", "services": ["backend", "frontend"], "migrates": False},
    )
    there: dict[Any, Answer] = {"stop elsewhere": "", "start elsewhere": ""}
    there["docker inspect"] = boxes("backend", "frontend")
    near, far = host(), FakeHost("app2", answers=there)
    fleet, todo = Fleet((near, far)), {"app1": cast(run.Restore, None)}

    def fails() -> None:
        assert far.texts[-1] == stopped.stop(Docker(), STATE, "elsewhere", ["id-backend"]).text
        raise OpsError("no")

    elsewhere = Elsewhere(lambda remote: context(remote, config), config, fleet, todo)
    assert elsewhere.names == ("app2",)
    with pytest.raises(OpsError, match="no"):
        elsewhere.around(fails)
    assert far.texts[-1] == stopped.start(Docker(), STATE, "elsewhere").text
    # Where both have a database of their own, neither is the other's business.
    both = settings("app1", "app2")
    assert Elsewhere(lambda remote: context(remote, both), both, fleet, todo).names == ()


def test_nobody_elsewhere_is_started_on_half_exchanged_data() -> None:
    data = ["postgres", "redis", "minio", "pdf-worker", "prometheus", "grafana"]
    config = settings(
        {"name": "app1", "address": "a", "services": data},
        {"name": "app2", "address": "b", "services": ["backend", "frontend"], "migrates": False},
    )
    there: dict[Any, Answer] = {
        "stop elsewhere": "",
        "start elsewhere": "",
        "docker inspect": boxes("backend"),
    }
    near, far = FakeHost("app1"), FakeHost("app2", answers=there)
    todo = {"app1": cast(run.Restore, None)}
    elsewhere = Elsewhere(lambda remote: context(remote, config), config, Fleet((near, far)), todo)

    def fails() -> None:
        raise OpsError("no")

    unknown = result(stderr="gone", code=1)
    for note in ("swapping b\n", unknown):
        near.answers["look for half-exchanged data"] = note
        with pytest.raises(OpsError, match="no"):
            elsewhere.around(fails)
        assert far.commands[-1].title == "stop elsewhere"
    # The way back finds nobody of them running, and starts whom the way there stopped.
    near.answers["look for half-exchanged data"] = ""
    far.answers["docker inspect"] = boxes("backend").replace('"running"', '"exited"')
    elsewhere.around(lambda: None)
    assert far.commands[-1].title == "start elsewhere"


def test_before_anything_is_exchanged_whoever_could_be_stopped_elsewhere_is_started_again() -> None:
    data = ["postgres", "redis", "minio", "pdf-worker", "prometheus", "grafana"]
    users = [
        {"name": name, "address": name, "services": ["backend", "frontend"], "migrates": False}
        for name in ("app2", "app3")
    ]
    config = settings({"name": "app1", "address": "a", "services": data}, *users)
    there: dict[Any, Answer] = {"start elsewhere": "", "docker inspect": boxes("backend")}
    # The data's host cannot be asked either.
    near = FakeHost("app1", answers={"look for half-exchanged data": ConnectionLost("gone")})
    good = FakeHost("app2", answers={"stop elsewhere": "", **there})
    bad = FakeHost("app3", answers={"stop elsewhere": 1, **there})
    told: list[Event] = []
    elsewhere = Elsewhere(
        lambda remote: context(remote, config, emit=told.append),
        config,
        Fleet((near, good, bad)),
        {"app1": cast(run.Restore, None)},
    )
    done: list[str] = []

    def fails() -> None:
        raise OpsError("no")

    with pytest.raises(OpsError):
        elsewhere.around(lambda: done.append("exchanged"))
    assert done == []
    assert good.commands[-1].title == "start elsewhere"
    # Once something was done, the way back has to know that it is whole.
    bad.answers["stop elsewhere"] = ""
    with pytest.raises(OpsError, match="no"):
        elsewhere.around(fails)
    assert good.commands[-1].title == "stop elsewhere"
    warned = [event.text for event in told if isinstance(event, Message) and event.level == "warn"]
    assert warned == ["What uses the data stays stopped here: it may be half exchanged on app1"] * 2


def test_names_of_databases_stay_within_what_postgresql_takes() -> None:
    config = settings(database={"name": "x" * 63})
    location = locate(config, parse_containers(ALL), STAMP)
    assert max(len(location.new), len(location.before)) <= 63


@quickly
@given(text(min_size=1, max_size=80), text(min_size=1, max_size=80))
def test_names_of_restores_fit_and_never_meet(one: str, other: str) -> None:
    made = [make(name, STAMP) for make in (names.new, names.before) for name in {one, other}]
    assert max(len(name.encode()) for name in made) <= 63
    assert len(set(made)) == len(made)
    same = "n" * 40 + one
    assert names.new(same, STAMP) != names.new(f"{same}2", STAMP)
