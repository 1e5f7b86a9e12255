"""What a backup says of itself: written, and read back with suspicion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import BACKUP, quickly

from schedgen_ops.backup.catalog import manifest, remote_commands
from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, DrillResult, File, Manifest
from schedgen_ops.backup.create import scripts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@quickly
@given(
    st.builds(
        Manifest,
        id=st.sampled_from(["manual-20250115_120000", "pre-deployment-20250115_120000"]),
        release=TEXT,
        commit=TEXT,
        state=st.sampled_from(BackupState),
        created=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
            lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}"
        ),
        finished=TEXT,
        files=st.lists(st.builds(File, TEXT, st.integers(0), TEXT), max_size=3).map(tuple),
        objects=st.integers(0),
        verified=st.lists(TEXT, max_size=3).map(tuple),
        seconds=st.floats(0, 1e6),
        rows=st.dictionaries(TEXT, st.integers(0), max_size=3),
        migrations=st.lists(TEXT, max_size=3).map(tuple),
        drill=st.none() | st.builds(DrillResult, TEXT, st.floats(0, 1e6), TEXT),
    )
)
def test_a_manifest_is_read_back_as_it_was_written_on_one_line(made: Manifest) -> None:
    text = manifest.to_json(made)
    assert "\n" not in text
    assert manifest.from_json(text) == made


OLD = {
    "id": "manual-20250115_120000",
    "release": "r1",
    "commit": "a" * 40,
    "state": "DONE",
    "created": "2025-01-15T12:00:00Z",
    "finished": "2025-01-15T12:00:05Z",
    "files": [{"name": "database.sql.gz", "size": 10, "sha256": "0" * 64}],
    "objects": 3,
    "verified": ["archive integrity"],
    "format": 1,
}


def test_a_manifest_of_the_first_version_is_read() -> None:
    made = manifest.from_json(json.dumps(OLD))
    assert (made.id, made.good, made.size, made.rows, made.drill) == (OLD["id"], True, 10, {}, None)
    assert (made.kind, made.database_format) == ("manual", "plain")


FIELDS = [*Manifest.__dataclass_fields__]


@quickly
@given(st.sampled_from(FIELDS), st.none() | st.integers() | TEXT | st.lists(TEXT))
def test_a_manifest_with_a_field_gone_wrong_is_refused_or_usable_never_a_defect(
    name: str, value: object
) -> None:
    data = OLD | {name: value}
    try:
        made = manifest.from_json(json.dumps(data))
    except ValueError:
        return
    assert made.size >= 0
    assert len(manifest.newest_first((made, BACKUP))) >= 1
    assert datetime.fromisoformat(made.created) < datetime.now(UTC)


@hypothesis.settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=1))
def test_a_manifest_with_any_byte_changed_is_refused(at: int, byte: bytes) -> None:
    text = manifest.to_json(BACKUP).encode()
    at %= len(text)
    changed = text[:at] + byte + text[at + 1 :]
    if changed == text:
        return
    with pytest.raises(ValueError, match=r".*"):
        manifest.from_json(changed.decode(errors="replace"))


@quickly
@given(st.text(max_size=20) | st.sampled_from(["null", "[]", "{}", "5", '"x"', '{"files": {}}', "[" * 9999]))
def test_what_is_no_manifest_is_refused_as_such(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        manifest.from_json(text)


def test_what_a_newer_version_added_is_passed_over() -> None:
    data = json.loads(manifest.to_json(BACKUP)) | {"age_key": "x", "format": 3}
    data["files"][0]["chunks"] = 4
    made = manifest.from_json(manifest._sealed(data))
    assert replace(made, format=BACKUP.format) == BACKUP


def test_only_finished_backups_count_and_the_newest_comes_first() -> None:
    newer = replace(BACKUP, id=BackupId("manual-20250116_120000"), created="2025-01-16T12:00:00Z")
    failed = replace(newer, state=BackupState.STARTED)
    assert manifest.newest_first((BACKUP, failed, newer)) == (newer, BACKUP)


def test_a_backup_knows_its_size_and_its_parts() -> None:
    assert BACKUP.size == 30
    assert BACKUP.has("objects.tar.gz")
    assert (BACKUP.database, BACKUP.archive) == BACKUP.files
    assert BACKUP.files[0].compression == "gzip"
    bare = replace(BACKUP, files=(File("database.dump.zst", 1, ""), File("config.env", 1, "")))
    assert (bare.archive, bare.database_format) == (None, "custom")
    assert [file.compression for file in bare.files] == ["zstd", ""]


def test_only_a_good_backup_whose_restore_went_well_is_proven() -> None:
    passed = replace(BACKUP, drill=DrillResult("2025-01-15T12:01:00Z", 4.2, "passed"))
    wrong = replace(BACKUP, drill=DrillResult("2025-01-15T12:01:00Z", 4.2, "jobs has 3 rows"))
    assert passed.proven
    assert not any(made.proven for made in (BACKUP, wrong, replace(passed, state=BackupState.FAILED)))


@pytest.mark.parametrize(
    "line",
    [
        "file a.gz",
        f"file a.gz x {'0' * 64}",
        "file a.gz 1 abc",
        "objects x",
        "objects 1",
        "hello",
        "fact hello",
    ],
)
def test_an_answer_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        scripts.parse_made([line])


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("pre-deployment-20241130_143000", True),
        ("manual-20241130_143000", True),
        ("safety-20241130_143000", True),
        ("my-20241130_143000", False),
        ("manual-20241130_143000.part", False),
        ("../manual-20241130_143000", False),
        ("photos", False),
        ("manual-20241130_143000\n", False),
    ],
)
def test_our_folders_are_known_by_their_names(name: str, ours: bool) -> None:
    assert manifest.is_backup_id(name) is ours


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "-rf", "", ".", "a b", "a\n", "config.env;x"]
)
def test_a_manifest_whose_files_lead_elsewhere_is_none(name: str) -> None:
    """Its checksum says that it is as somebody wrote it, not that it is ours."""
    for evil in (
        replace(BACKUP, files=(File(name, 1, "0" * 64),)),
        replace(BACKUP, image=name or "--privileged"),
    ):
        listing = remote_commands.parse_catalog(f"{BACKUP.id} {manifest.to_json(evil)}\n")
        assert (listing.backups, listing.unreadable) == ((), (BACKUP.id,))
    assert remote_commands.parse_catalog(f"{BACKUP.id} {manifest.to_json(BACKUP)}\n").backups == (BACKUP,)
