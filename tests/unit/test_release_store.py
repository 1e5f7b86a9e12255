"""Releases on a host: written whole, read back, and a torn one hides no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fakes import FakeHost
from kit import bash

from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import (
    Release,
    ServiceRecord,
    State,
    to_json,
)

COMMIT = "3f2a9c1" + "0" * 33


def release(name: str, previous: str = "", state: State = State.DONE, *images: str) -> Release:
    services = {image: ServiceRecord(f"p-{image}:{name}", f"sha256:{image}", "d") for image in images}
    return Release(name, "main", COMMIT, state, previous, services=services)


def names(releases: tuple[Release, ...]) -> list[str]:
    return [found.id for found in releases]


PATHS = Paths("/srv/schedgen")


def test_all_state_is_in_one_folder() -> None:
    assert PATHS.current == "/srv/schedgen/.schedgen/current"
    assert PATHS.record("r1") == "/srv/schedgen/.schedgen/releases/r1/release.json"


def test_a_host_that_was_never_deployed_to_has_an_empty_shelf(tmp_path: Path) -> None:
    answer = bash(store.read_command(Paths(str(tmp_path))), tmp_path)
    assert answer.ok
    assert store.parse_shelf(answer.stdout) == store.Shelf("", ())


def test_what_was_written_is_read_back_and_a_torn_record_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "it's a project"
    paths = Paths(str(folder))
    host = FakeHost(answers={lambda _: True: lambda command: bash(command, tmp_path)})
    for name in ("1", "2", "3"):
        store.write(host, paths, release(name, state=State.DONE))
    Path(paths.record("2")).write_text('{"id": "2", "bra')
    (folder / ".schedgen/releases/empty").mkdir()
    store.set_current(host, paths, "3")
    shelf = store.read(host, paths)
    assert (shelf.current, names(shelf.releases), shelf.unreadable) == ("3", ["1", "3"], 1)
    assert shelf.serving == release("3")


def test_state_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    host = FakeHost(answers={lambda _: True: lambda command: bash(command, tmp_path)})
    store.write(host, Paths(str(tmp_path)), release("1"))
    record = tmp_path / ".schedgen/releases/1/release.json"
    assert record.stat().st_mode & 0o077 == 0
    assert record.parent.stat().st_mode & 0o077 == 0
    assert [path.name for path in record.parent.iterdir()] == ["release.json"]


def test_nothing_serves_before_the_first_deploy() -> None:
    assert store.read(FakeHost(answers={"read the releases": "\n"}), PATHS).serving is None


def test_a_current_that_names_no_record_serves_nothing() -> None:
    assert store.parse_shelf(f"gone\n\n{to_json(release('1'))}\n").serving is None


def test_records_keep_their_services(tmp_path: Path) -> None:
    record = replace(release("1", "", State.DONE, "web", "db"), steps=(("Building containers", 12.5),))
    assert store.parse_shelf(f"1\n\n{to_json(record)}\n").serving == record
