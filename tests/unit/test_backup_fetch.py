"""Backups brought here: gone on with, checked, and never half."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeHost
from hypothesis import given
from hypothesis import strategies as st
from kit import BACKUP, quickly

from schedgen_ops.backup.catalog.manifest import File, Manifest, from_json
from schedgen_ops.backup.offsite.fetch import Fetch
from schedgen_ops.errors import ConnectionLost, KeyRefused, OpsError, Refused
from schedgen_ops.events import Event, Message, Progress

SOURCE = f"/srv/schedgen/backups/{BACKUP.id}"
DATA = {"database.sql.gz": b"d" * 7000, "objects.tar.gz": os.urandom(5000)}


def backup(**data: bytes) -> Manifest:
    found = data or DATA
    files = tuple(File(name, len(text), hashlib.sha256(text).hexdigest()) for name, text in found.items())
    return replace(BACKUP, files=files)


def host(**changed: bytes) -> FakeHost:
    return FakeHost(files={f"{SOURCE}/{name}": text for name, text in (DATA | changed).items()})


class Here:
    """A fetch into a folder of the test, with its events and pauses."""

    def __init__(self, remote: FakeHost, target: Path) -> None:
        self.events: list[Event] = []
        self.pauses: list[float] = []
        self.fetch = Fetch(remote, SOURCE, target, self.events.append, self.pauses.append)
        self.target = target

    def said(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Message))

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.target.iterdir()}


def test_all_files_arrive_for_their_owner_alone_and_the_manifest_last(tmp_path: Path) -> None:
    here = Here(host(), tmp_path / "a" / "b")
    here.fetch(backup())
    files = here.files()
    assert from_json(files.pop("manifest.json").decode()) == backup()
    assert files == DATA
    assert {path.stat().st_mode & 0o777 for path in here.target.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (here.target, here.target.parent)} == {0o700}
    told = [event for event in here.events if isinstance(event, Progress)]
    assert (told[-1].done, told[-1].total) == (12_000, 12_000)


def test_what_is_there_and_right_is_not_read_again(tmp_path: Path) -> None:
    first, second = host(), host()
    Here(first, tmp_path).fetch(backup())
    Here(second, tmp_path).fetch(backup())
    assert second.offsets == []


def test_a_broken_one_goes_on_where_it_stopped(tmp_path: Path) -> None:
    remote = host()
    remote.breaks = [3000, 2000]
    here = Here(remote, tmp_path)
    here.fetch(backup())
    assert remote.offsets[:3] == [(f"{SOURCE}/database.sql.gz", at) for at in (0, 3000, 5000)]
    assert here.pauses == [1.0, 1.0]
    assert "the connection was lost after 2.9 KiB of database.sql.gz; going on" in here.said()
    assert here.files().keys() == {*DATA, "manifest.json"}


def test_one_that_gets_nowhere_gives_up_and_a_later_one_goes_on(tmp_path: Path) -> None:
    remote = host()
    remote.breaks = [3000, 0, 0, 0, 0]
    here = Here(remote, tmp_path)
    with pytest.raises(ConnectionLost) as caught:
        here.fetch(backup())
    assert "goes on from here" in caught.value.hint
    assert here.pauses == [1.0, 3.0, 10.0]
    assert {name: len(data) for name, data in here.files().items()} == {"database.sql.gz.part": 3000}
    Here(remote, tmp_path).fetch(backup())
    assert remote.offsets[-2] == (f"{SOURCE}/database.sql.gz", 3000)


def test_a_key_that_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    class Refusing(FakeHost):
        def download(self, *_: object, **__: object) -> None:
            raise KeyRefused("no", host="app1")

    here = Here(Refusing(), tmp_path)
    with pytest.raises(KeyRefused):
        here.fetch(backup())
    assert here.pauses == []


@quickly
@given(st.integers(0, 9000), st.booleans())
def test_whatever_part_was_left_the_end_is_right(
    tmp_path_factory: pytest.TempPathFactory, length: int, right: bool
) -> None:
    target = tmp_path_factory.mktemp("part")
    left = (DATA["database.sql.gz"] + b"x" * 9000)[:length] if right else b"?" * length
    (target / "database.sql.gz.part").write_bytes(left)
    here = Here(host(), target)
    here.fetch(backup())
    assert here.files() | DATA == here.files()
    assert not list(target.glob("*.part"))


def test_bytes_that_are_wrong_on_the_host_are_no_backup_here(tmp_path: Path) -> None:
    here = Here(host(**{"database.sql.gz": b"x" * 7000}), tmp_path)
    with pytest.raises(OpsError, match=r"database\.sql\.gz is not what its manifest says"):
        here.fetch(backup())
    assert here.files() == {}
    assert "fetched again from the beginning" in here.said()


def test_a_file_that_grew_is_not_read_for_ever(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="is not what its manifest says"):
        Here(host(**{"database.sql.gz": b"d" * 9000}), tmp_path).fetch(backup())


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", ".ssh", "manifest.json", "a/b", "x.part"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    remote = FakeHost()
    with pytest.raises(OpsError, match="no backup has"):
        Here(remote, tmp_path).fetch(backup(**{name: b"x"}))
    assert (remote.offsets, list(tmp_path.iterdir())) == ([], [])


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    target = tmp_path / "in"
    target.mkdir()
    (target / "database.sql.gz.part").symlink_to(tmp_path / "precious")
    with pytest.raises(OpsError, match="cannot be written"):
        Here(host(), target).fetch(backup())
    assert (tmp_path / "precious").read_text() == "precious"


def test_too_little_room_here_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    remote = FakeHost()
    huge = replace(BACKUP, files=(File("objects.tar.gz", 1 << 60, "0" * 64),))
    with pytest.raises(Refused, match=r"1\.0 EiB are to come"):
        Here(remote, tmp_path).fetch(huge)
    assert remote.offsets == []
