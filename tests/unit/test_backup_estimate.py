"""The room that a backup needs: reckoned, compared, refused with the figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeHost, context
from hypothesis import given
from hypothesis import strategies as st
from kit import BACKUP, bash, quickly, settings
from test_backup_run import BOTH

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.catalog.manifest import File
from schedgen_ops.backup.create import capacity
from schedgen_ops.errors import Refused
from schedgen_ops.events import Event, Fact

MIB = 1024**2
FILES = (File("database.sql.gz", 10 * MIB, "0" * 64), File("objects.tar.gz", 80 * MIB, "0" * 64))
LAST = replace(BACKUP, files=FILES, sizes={"database": 40 * MIB, "objects": 80 * MIB})


def ensured(free: int, *, last: manifest.Manifest | None = LAST, said: str = "") -> dict[str, int]:
    answer = said or f"free {free}\ndatabase {80 * MIB}\nobjects {100 * MIB}\n"
    listing = f"{last.id} {manifest.to_json(last)}\n" if last else ""
    host = FakeHost(answers={"look at the room for a backup": answer, "list backups": listing})
    told: list[Event] = []
    found = capacity.ensured(context(host, settings(), emit=told.append), BOTH)
    assert Fact("backup_estimate", found, "app1") in told
    return found


def test_what_the_last_one_shrank_to_tells_what_the_next_one_will() -> None:
    assert ensured(1000 * MIB) == {"database": 20 * MIB, "objects": 100 * MIB}


def test_the_room_has_a_margin() -> None:
    needed = round((20 + 100) * 1.25 * MIB) + 8 * MIB
    ensured(needed)
    with pytest.raises(Refused, match=r"a backup may take 158\.0 MiB, and 158\.0 MiB are free") as caught:
        ensured(needed - 1000)
    assert "database 80.0 MiB, objects 100.0 MiB" in caught.value.detail
    assert (caught.value.exit_code, caught.value.host) == (3, "app1")


def test_before_the_first_backup_nothing_is_taken_to_shrink() -> None:
    assert ensured(188 * MIB, last=None) == {"database": 40 * MIB, "objects": 50 * MIB}
    with pytest.raises(Refused):
        ensured(187 * MIB, last=None)


def test_what_could_not_be_asked_is_as_it_was() -> None:
    assert ensured(500 * MIB, said=f"free {500 * MIB}\n") == {"database": 10 * MIB, "objects": 80 * MIB}
    assert ensured(500 * MIB, said=f"free {500 * MIB}\n", last=None) == {}


@quickly
@given(st.dictionaries(st.sampled_from(["database", "objects"]), st.integers(0, 1 << 50)))
def test_the_safe_figure_is_never_below_the_likely_one(held: dict[str, int]) -> None:
    for last in (None, LAST, replace(LAST, sizes={}), replace(LAST, files=())):
        found = capacity.estimate(held, last)
        assert all(found.most[part] >= found.likely[part] for part in held)
        assert found.needed > sum(found.likely.values())


def test_the_script_asks_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    command = capacity.look(settings(database=None, objects=None), BOTH)
    found = capacity.parse(bash(command, tmp_path).stdout)
    assert found.free > 0
    assert found.held == {}


def test_what_does_not_answer_is_left_out(tmp_path: Path) -> None:
    found = capacity.parse(bash(capacity.look(settings(), BOTH), tmp_path, PATH="/usr/bin:/bin").stdout)
    assert found.free > 0
    assert found.held == {}
    with pytest.raises(ValueError, match="no free space"):
        capacity.parse("bash: df: command not found\n")
