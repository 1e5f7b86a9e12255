"""Backups listed, shown, chosen and pruned, as an operator sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context
from kit import BACKUP, bash, settings
from test_tasks import Inv, inv

from schedgen_ops.backup.catalog import manifest, removing
from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, Copy, DrillResult, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.cli import prune
from schedgen_ops.cli.catalog import pick
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.release import record
from schedgen_ops.release.record import ReleaseId

__all__ = ["inv"]
Capture = pytest.CaptureFixture[str]

PROVEN = replace(
    BACKUP,
    drill=DrillResult("2025-01-16T00:00:00Z", 3.0, "passed"),
    offsite=Copy("2025-01-17T00:00:00Z", "bucket/app1/x", "passed"),
    rows={"public.job": 1200, "public.event": 3},
)
FAILED = replace(
    BACKUP,
    id=BackupId("manual-20250116_120000"),
    state=BackupState.FAILED,
    files=(),
    error="the disk is full",
)
TORN = "manual-20250117_120000"


def line(backup: Manifest) -> str:
    return f"{backup.id} {manifest.to_json(backup)}\n"


def host(*backups: Manifest, more: str = "", **answers: Any) -> FakeHost:
    listing = "".join(map(line, backups)) + more
    return FakeHost(answers={"list backups": listing, **answers})


def test_what_failed_or_cannot_be_read_is_in_the_list_too(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.list", on=[host(PROVEN, FAILED, more=f"{TORN} \n")]) == 0
    rows = {row.split()[1]: row for row in capsys.readouterr().out.splitlines()[1:]}
    assert "FAILED" in rows[FAILED.id]
    assert "UNREADABLE" in rows[TORN]
    assert "2025-01-16  2025-01-17" in rows[BACKUP.id]
    assert list(rows) == [FAILED.id, BACKUP.id, TORN]


def test_one_is_shown_whole_by_the_start_of_its_name(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.show", "manual-20250115", "--json", on=[host(PROVEN, FAILED)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["result"]["Backup"] == BACKUP.id
    assert shown["result"]["State"] == "DONE"
    assert shown["results"]["Rows"] == [
        {"table": "public.event", "rows": 3},
        {"table": "public.job", "rows": 1200},
    ]
    assert shown["results"]["Files"][0] == {"file": "database.sql.gz", "size": 10, "sha256": "0" * 64}


def test_why_one_failed_is_shown(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.show", FAILED.id, on=[host(FAILED)]) == 0
    assert "the disk is full" in capsys.readouterr().out


def test_a_failed_one_can_neither_be_fetched_nor_pushed(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.fetch", FAILED.id, on=[host(FAILED)]) == 3
    assert f"{FAILED.id} is no backup: it is FAILED" in capsys.readouterr().err


def test_a_push_without_a_remote_says_where_to_name_one(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.push", BACKUP.id, on=[host(BACKUP)]) == 2
    assert "backup.offsite" in capsys.readouterr().err


def test_a_fetch_goes_where_it_is_told(inv: Inv, tmp_path: Path) -> None:
    file = manifest.File("config.env", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    small = replace(BACKUP, files=(file,))
    remote = host(small)
    remote.files[f"/srv/schedgen/backups/{small.id}/config.env"] = b"abc"
    assert inv("backup.fetch", "man", "--to", str(tmp_path / "x"), on=[remote]) == 0
    assert (tmp_path / "x/app1" / small.id / "config.env").read_bytes() == b"abc"


def test_the_start_of_a_name_must_say_which() -> None:
    catalogs = {"app1": Catalog((BACKUP, FAILED), (TORN,)), "app2": Catalog((BACKUP,))}
    assert pick(catalogs, "manual-20250115") == BACKUP.id
    with pytest.raises(ConfigError, match="begins several backups"):
        pick(catalogs, "manual")
    with pytest.raises(ConfigError, match="there is no backup 'x'"):
        pick(catalogs, "x")
    with pytest.raises(Refused, match="cannot be read"):
        pick(catalogs, TORN)
    longer = replace(BACKUP, id=BackupId(f"{BACKUP.id}0"))
    assert pick({"app1": Catalog((BACKUP, longer))}, BACKUP.id) == BACKUP.id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    backups = tmp_path / "back ups"
    for name in ("manual-20250115_120000", "manual-20250116_120000.part", "notes"):
        (backups / name).mkdir(parents=True)
        (backups / name / "file").write_bytes(b"x" * 5000)
        made = replace(BACKUP, id=BackupId(name.removesuffix(".part")))
        if name != "notes":
            (backups / name / "manifest.json").write_text(manifest.to_json(made))
    (backups / "manual-20250117_120000").symlink_to(tmp_path)
    (backups / "manual-20250118_120000.part").mkdir()
    (backups / "manual-20250118_120000.part" / "photo").touch()
    return backups


def test_links_and_strangers_are_not_looked_at(folder: Path) -> None:
    sizes = removing.parse_survey(bash(removing.survey(str(folder)), folder).stdout)
    assert sizes.keys() == {"manual-20250115_120000", "manual-20250116_120000.part"}
    assert all(5000 < size < 50_000 for size in sizes.values())
    assert bash(removing.survey(str(folder / "none")), folder).stdout == ""


def test_only_what_is_named_goes(folder: Path) -> None:
    names = ["manual-20250115_120000", "manual-20250116_120000.part", "manual-20250117_120000", "gone-1_1"]
    assert bash(removing.remove(str(folder), names), folder).ok
    assert sorted(path.name for path in folder.iterdir()) == [
        "manual-20250117_120000",
        "manual-20250118_120000.part",
        "notes",
    ]
    assert folder.parent.exists()


@pytest.mark.parametrize("part", ["", ".part"])
def test_what_holds_no_manifest_of_ours_stays_whatever_it_is_called(folder: Path, part: str) -> None:
    name = f"manual-20250115_120000{part}"
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "manifest.json").write_text('{"id":"another"}')
    (folder / name / "photo").touch()
    assert not bash(removing.remove(str(folder), ["manual-20250115_120000"]), folder).ok
    assert (folder / name / "photo").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b"])
def test_a_name_that_leads_elsewhere_never_reaches_a_host(name: str) -> None:
    with pytest.raises(ValueError, match="not names of backups"):
        removing.remove("backups", [name])


def pruned(records: str = "", *names: str) -> dict[str, str]:
    """What a look finds: needed backups, with the release that needs them."""
    sizes = "".join(f"12 {name}\n" for name in names)
    remote = FakeHost(
        answers={"list backups": "", "look at the sizes of backups": sizes, "read the releases": records}
    )
    return prune.look(context(remote, settings())).needed


def test_days_are_counted_by_the_hosts_clock() -> None:
    answers = {"list backups": "", "look at the sizes of backups": "", "read the releases": ""}
    host = FakeHost(answers={**answers, "look at the clock": "1736942460\n"})
    found = prune.look(context(host, settings()))
    assert found.now == datetime(2025, 1, 15, 12, 1, tzinfo=UTC)


def test_what_a_kept_release_names_is_needed() -> None:
    release = record.Release(
        ReleaseId("r7"), "v1", "a" * 40, record.State.DONE, backup="backups/pre-deployment-1_1"
    )
    other = replace(
        release, id=ReleaseId("r8"), state=record.State.FAILED, backup="backups/pre-deployment-2_2"
    )
    told = f"\n{record.to_json(release)}\n{record.to_json(other)}\n"
    assert pruned(told) == {"pre-deployment-1_1": "r7"}


def test_a_record_that_cannot_be_read_may_need_every_backup_of_a_deploy() -> None:
    name = "pre-deployment-20250115_120000"
    assert pruned("\n{torn\n", name, "manual-20250115_120000").keys() == {name}
