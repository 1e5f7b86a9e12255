"""The proof of a backup: what is compared, what is written down, and when a deploy asks for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes import Answer, FakeHost, context, result
from kit import BACKUP, DATABASE, bash, path, program, settings

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.catalog.manifest import DrillResult
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.create import scripts
from schedgen_ops.backup.restore import drill, drill_scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases.facts import differences
from schedgen_ops.errors import CommandTimedOut, OpsError, Refused
from schedgen_ops.events import Event, Message

MADE = replace(BACKUP, rows={"public.jobs": 3}, image="sha256:pg", sizes={"database": 10**9})
SEEN = 'rows ["public.jobs",3]\ncounted\nanswer 3\nobjects 3 512\nend\n'
QUERY = {"drill": {"queries": ["SELECT count(*) FROM jobs"]}}


def prove(host: FakeHost, told: list[Event] | None = None) -> manifest.Manifest:
    emit = (told if told is not None else []).append
    return drill.drill(context(host, settings(backup=QUERY), emit=emit), MADE)


def host(answer: Answer) -> FakeHost:
    return FakeHost(answers={"docker inspect": "", "drill the backup": answer, "update the manifest": ""})


def test_a_drill_that_passes_is_written_into_the_manifest() -> None:
    on, told = host(SEEN), list[Event]()
    proven = prove(on, told)
    assert (proven.proven, proven.drill) == (True, DrillResult("2025-01-15T12:00:00Z", 0.0, "passed"))
    assert manifest.from_json(str(on.commands[-1].stdin)) == proven
    line = "Restore drill passed: 3 rows in 1 tables, 3 objects (0.0s)"
    assert told == [Message("info", line, "app1")]
    # The stopped database's image is not there: the backup knows it.
    assert "sha256:pg" in on.commands[1].text
    assert str(int(10**9 * 1.3) + 200 * 1024**2) in on.commands[1].text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SEEN.replace('jobs",3', 'jobs",2'), "public.jobs has 2 rows instead of 3"),
        (SEEN.replace("rows", 'rows ["public.x",1]\nrows', 1), "public.x should not be there"),
        (SEEN.replace('rows ["public.jobs",3]\n', ""), "public.jobs is missing"),
        (SEEN.replace("objects 3", "objects 2"), "the archive has 2 objects instead of 3"),
        (SEEN.replace("answer 3", "answer 0"), "'SELECT count(*) FROM jobs' answered '0'"),
        (result(stderr="psql: oh\nreason: the dump could not be restored", code=1), "could not be restored"),
        (CommandTimedOut("ended", code=None), "not done after backup.drill.deadline"),
    ],
)
def test_a_drill_that_fails_says_what_and_is_written_down_too(answer: Answer, said: str) -> None:
    on = host(answer)
    with pytest.raises(OpsError, match="the restore drill of manual-20250115_120000 failed") as caught:
        prove(on)
    assert said in caught.value.message
    written = manifest.from_json(str(on.commands[-1].stdin))
    assert written.drill is not None
    assert said in written.drill.result
    assert not written.proven


def test_a_drill_needs_an_image() -> None:
    with pytest.raises(Refused, match="no image of postgres"):
        drill.drill(context(host(SEEN), settings()), replace(MADE, image=""))


@pytest.mark.parametrize("text", ["", "end\nmore", 'rows ["a",1]\nend', "what\nend"])
def test_an_answer_that_is_cut_off_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        drill_scripts.parse(text)


@pytest.mark.parametrize(
    ("policy", "proved_at", "due"),
    [
        ("never", "", False),
        ("always", "2025-01-15T11:00:00Z", True),
        ("stale", "", True),
        ("stale", "2025-01-09T12:00:00Z", False),
        ("stale", "2025-01-08T11:00:00Z", True),
    ],
)
def test_a_deploy_drills_when_the_configuration_says_so(policy: str, proved_at: str, due: bool) -> None:
    made = replace(MADE, drill=DrillResult(proved_at, 1.0, "passed")) if proved_at else MADE
    config = settings(backup={"drill": {"deploy": policy}})
    now = datetime(2025, 1, 15, 12, tzinfo=UTC)
    assert (
        drill.due(
            Catalog((made, replace(MADE, drill=DrillResult("2025-01-15T12:00:00Z", 1, "bad")))), config, now
        )
        is due
    )
    on = FakeHost(answers={"list backups": f"{made.id} {manifest.to_json(made)}", **host(SEEN).answers})
    drill.when_due(context(on, config), MADE)
    assert any(command.title == "drill the backup" for command in on.commands) is due


def test_differences_name_every_table() -> None:
    found = differences({"a": 1, "b": 2}, {"b": 3, "c": 4})
    assert found == ("a is missing", "b has 3 rows instead of 2", "c should not be there")


DOCKER = """
echo "$*" >> log
case $1 in
  info) echo /nowhere ;;
  ps) echo left ;;
  create) echo ours ;;
  exec) exit 1 ;;
esac
"""


def test_a_drill_removes_its_own_containers_alone_by_mark_and_id(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", DOCKER).parent
    made = replace(MADE, properties={"tablespace": "big"})
    command = drill_scripts.drill(".", made, Docker(), "image", DATABASE, (), 0, "/srv/shop")
    answer = bash(command, tmp_path, PATH=path(programs))
    assert scripts.reason(answer.stderr)[0] == "the throwaway database did not start"
    said = (tmp_path / "log").read_text().splitlines()
    assert "ps -aq --filter label=schedgen.drill=/srv/shop" in said
    assert [line for line in said if line.startswith("rm ")] == ["rm -fv left", "rm -fv ours"]
    (created,) = [line for line in said if line.startswith("create ")]
    assert "--label schedgen.drill=/srv/shop " in created
    assert "--name" not in created


def test_an_answer_without_a_count_proves_nothing() -> None:
    seen = drill_scripts.parse("objects 3 0\nend")
    assert "were not counted" in drill_scripts.wrong(seen, MADE, ())[0]
