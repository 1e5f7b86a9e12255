"""What a backup says of itself: written, and read back with suspicion."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import BACKUP, quickly

from schedgen_ops.backup import manifest
from schedgen_ops.backup.manifest import File, Manifest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@quickly
@given(
    st.builds(
        Manifest,
        id=st.sampled_from(["manual-20250115_120000", "pre-deployment-20250115_120000"]),
        release=TEXT,
        commit=TEXT,
        state=st.sampled_from(["DONE", "FAILED"]),
        created=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
            lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}"
        ),
        finished=TEXT,
        files=st.lists(st.builds(File, TEXT, st.integers(0), TEXT), max_size=3).map(tuple),
        objects=st.integers(0),
        verified=st.lists(TEXT, max_size=3).map(tuple),
    )
)
def test_a_manifest_is_read_back_as_it_was_written_on_one_line(made: Manifest) -> None:
    text = manifest.to_json(made)
    assert "\n" not in text
    assert manifest.from_json(text) == made


@quickly
@given(st.sampled_from([*Manifest.__dataclass_fields__]), st.none() | st.integers() | TEXT | st.lists(TEXT))
def test_a_manifest_with_a_field_gone_wrong_is_refused_or_usable_never_a_defect(
    name: str, value: object
) -> None:
    data = json.loads(manifest.to_json(BACKUP)) | {name: value}
    try:
        made = manifest.from_json(json.dumps(data))
    except ValueError:
        return
    assert made.size >= 0
    assert len(manifest.newest_first((made, BACKUP))) >= 1
    assert datetime.fromisoformat(made.created) < datetime.now(UTC)


@quickly
@given(st.text(max_size=20) | st.sampled_from(["null", "[]", "{}", "5", '"x"', '{"files": {}}', "[" * 9999]))
def test_what_is_no_manifest_is_refused_as_such(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        manifest.from_json(text)


def test_what_a_newer_version_added_is_passed_over() -> None:
    data = json.loads(manifest.to_json(BACKUP)) | {"age_key": "x"}
    data["files"][0]["chunks"] = 4
    assert manifest.from_json(json.dumps(data)) == BACKUP


def test_only_finished_backups_count_and_the_newest_comes_first() -> None:
    newer = replace(BACKUP, id="manual-20250116_120000", created="2025-01-16T12:00:00Z")
    failed = replace(newer, state="STARTED")
    assert manifest.newest_first((BACKUP, failed, newer)) == (newer, BACKUP)


def test_a_backup_knows_its_size_and_its_parts() -> None:
    assert BACKUP.size == 30
    assert BACKUP.has("objects.tar.gz")
    assert not replace(BACKUP, files=()).has("objects.tar.gz")


@pytest.mark.parametrize(
    "line", ["file a.gz", f"file a.gz x {'0' * 64}", "file a.gz 1 abc", "objects x", "hello"]
)
def test_an_answer_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        manifest.parse_files(line)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("pre-deployment-20241130_143000", True),
        ("manual-20241130_143000", True),
        ("manual-20241130_143000.part", False),
        ("../manual-20241130_143000", False),
        ("photos", False),
        ("manual-20241130_143000\n", False),
    ],
)
def test_our_folders_are_known_by_their_names(name: str, ours: bool) -> None:
    assert manifest.is_backup_id(name) is ours
