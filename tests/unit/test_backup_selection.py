"""Which backup is meant: the last one that can bring everything back, or the one that is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kit import BACKUP, settings

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, File, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.errors import ConfigError, OpsError

CONFIG = settings()
HOST = CONFIG.host("app1")
DUMP, ARCHIVE = BACKUP.files


def made(day: int, *files: File, kind: str = "manual", state: BackupState = BackupState.DONE) -> Manifest:
    when = f"2025-01-{day:02}"
    name = f"{kind}-{when.replace('-', '')}_120000"
    return replace(BACKUP, id=BackupId(name), created=f"{when}T12:00:00Z", files=files, state=state)


WHOLE = made(10, DUMP, ARCHIVE)


@pytest.mark.parametrize(
    "newer",
    [
        made(11, DUMP),
        made(11, ARCHIVE),
        made(11, File("config.env", 1, "")),
        made(11, DUMP, ARCHIVE, kind="safety"),
        made(11, state=BackupState.FAILED),
        made(11, DUMP, ARCHIVE, state=BackupState.STARTED),
    ],
)
def test_the_last_one_can_bring_everything_back_and_is_no_copy_of_what_was_wrong(newer: Manifest) -> None:
    assert selection.last(Catalog((WHOLE, newer)), CONFIG, HOST) == WHOLE


def test_a_part_is_better_than_nothing_and_nothing_is_an_error() -> None:
    assert selection.last(Catalog((made(3, DUMP),)), CONFIG, HOST) == made(3, DUMP)
    with pytest.raises(OpsError, match="no good backup"):
        selection.last(Catalog((made(3, DUMP, kind="safety"),)), CONFIG, HOST)


def test_a_host_without_objects_needs_none() -> None:
    config = settings({"name": "app1", "address": "a", "services": ["postgres"]}, "app2")
    newest = made(12, DUMP)
    assert selection.last(Catalog((WHOLE, newest)), config, config.host("app1")) == newest


def test_a_name_may_be_begun_but_must_mean_one_good_backup() -> None:
    bad = made(12, state=BackupState.FAILED)
    catalog = Catalog((WHOLE, made(11, DUMP), bad), ("manual-20250113_120000",))
    assert selection.named(catalog, "manual-20250110", "app1") == WHOLE
    assert selection.chosen(catalog, WHOLE.id, CONFIG, HOST) == WHOLE
    assert (
        selection.named(Catalog((WHOLE, made(11, state=BackupState.FAILED))), "manual-2025", "app1") == WHOLE
    )
    for wanted, said in (
        ("manual-2025", "begins several"),
        ("nope", "there is no backup 'nope' on app1"),
        ("", "there is no"),
    ):
        with pytest.raises(ConfigError, match=said):
            selection.named(catalog, wanted, "app1")
    with pytest.raises(OpsError, match="FAILED and cannot be used"):
        selection.named(catalog, bad.id, "app1")
    with pytest.raises(OpsError, match="missing or was altered"):
        selection.named(catalog, "manual-20250113", "app1")


def test_a_newer_one_that_cannot_be_read_is_not_passed_over() -> None:
    older, newer = "manual-20250109_120000", "pre-deployment-20250111_120000"
    assert selection.chosen(Catalog((WHOLE,), (older,)), "", CONFIG, HOST) == WHOLE
    with pytest.raises(OpsError, match=f"manifest of {newer} is missing or was altered"):
        selection.chosen(Catalog((WHOLE,), (older, newer)), "", CONFIG, HOST)
