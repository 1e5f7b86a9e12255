"""Releases on a host: written whole, read back, and a torn one hides no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeHost
from kit import bash

from schedgen_ops.errors import Refused
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import (
    Release,
    ReleaseId,
    ServiceRecord,
    State,
    to_json,
)

COMMIT = "3f2a9c1" + "0" * 33


def release(name: str, previous: str = "", state: State = State.DONE, *images: str) -> Release:
    services = {image: ServiceRecord(f"p-{image}:{name}", f"sha256:{image}", "d") for image in images}
    return Release(ReleaseId(name), "main", COMMIT, state, ReleaseId(previous), services=services)


def names(releases: tuple[Release, ...]) -> list[str]:
    return [found.id for found in releases]


PATHS = Paths("/srv/schedgen")


def test_all_state_is_in_one_folder() -> None:
    assert PATHS.current == "/srv/schedgen/.schedgen/current"
    assert PATHS.record(ReleaseId("r1")) == "/srv/schedgen/.schedgen/releases/r1/release.json"


def test_a_host_that_was_never_deployed_to_has_an_empty_shelf(tmp_path: Path) -> None:
    answer = bash(store.read_command(Paths(str(tmp_path))), tmp_path)
    assert answer.ok
    assert store.parse_shelf(answer.stdout) == store.Shelf(ReleaseId(""), ())


def test_what_was_written_is_read_back_and_a_torn_record_hides_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "it's a project"
    paths = Paths(str(folder))
    host = FakeHost(answers={lambda _: True: lambda command: bash(command, tmp_path)})
    for name in ("1", "2", "3"):
        store.write(host, paths, release(name, state=State.DONE))
    Path(paths.record(ReleaseId("2"))).write_text('{"id": "2", "bra')
    (folder / ".schedgen/releases/empty").mkdir()
    store.set_current(host, paths, ReleaseId("3"))
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


# What is torn, empty or not its own


def shelf_of(folder: Path, current: bytes | None, **records: bytes) -> store.Shelf:
    state = folder / ".schedgen"
    for name, data in records.items():
        (state / "releases" / name).mkdir(parents=True)
        (state / "releases" / name / "release.json").write_bytes(data)
    if current is not None:
        state.mkdir(exist_ok=True)
        (state / "current").write_bytes(current)
    answer = bash(store.read_command(Paths(str(folder))), folder)
    assert answer.ok
    return store.parse_shelf(answer.stdout)


def record(name: str, state: State = State.DONE) -> bytes:
    return to_json(release(name, state=state)).encode()


TORN = (
    b"",
    b"\n",
    b"\0" * 300,
    b"{",
    record("a")[:-1],
    record("a")[:99] + b"\0" * 40,
    record("a") * 2,
)


@pytest.mark.parametrize("data", TORN)
def test_a_torn_record_is_told_by_its_name_and_hides_no_other(data: bytes, tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, b"b\n", a=data, b=record("b"), c=record("c"))
    assert (names(shelf.releases), shelf.torn, shelf.doubt) == (["b", "c"], ("a",), "")
    assert shelf.serving == release("b")


@pytest.mark.parametrize("current", [b"", b"\0\0\0", b"\nb", b"  ", b"../../etc"])
def test_an_empty_current_beside_records_is_unknown_and_no_first_deploy(
    current: bytes, tmp_path: Path
) -> None:
    shelf = shelf_of(tmp_path, current, a=record("a"), b=record("b"))
    assert (shelf.serving, shelf.current) == (None, "")
    with pytest.raises(Refused, match="nobody knows which release serves") as caught:
        store.certain(shelf, PATHS, "app1")
    assert caught.value.exit_code == 3
    assert "echo ID > /srv/schedgen/.schedgen/current" in caught.value.hint


@pytest.mark.parametrize(
    ("current", "records", "serves"),
    [
        # A first deploy that was taken back, or never came to its end.
        (b"\n", {"a": State.FAILED}, ""),
        (None, {"a": State.STARTED, "b": State.FAILED}, ""),
        # The only one that ever served.
        (b"", {"a": State.DONE}, "a"),
        (None, {"a": State.ADOPTED, "b": State.FAILED}, "a"),
    ],
)
def test_what_serves_is_told_from_the_records_where_that_is_certain(
    current: bytes | None, records: dict[str, State], serves: str, tmp_path: Path
) -> None:
    shelf = shelf_of(tmp_path, current, **{name: record(name, state) for name, state in records.items()})
    assert (shelf.current, shelf.doubt, shelf.written) == (serves, "", "")


@pytest.mark.parametrize(
    ("current", "records"),
    [
        # Something else was on its way, and may have come further than its record says.
        (b"", {"a": record("a"), "b": record("b", State.STARTED)}),
        (b"", {"b": record("b", State.STARTED)}),
        (None, {"a": record("a"), "b": b""}),
        (None, {"a": b""}),
        (b"b\n", {"a": record("a"), "b": b""}),
        (b"b\n", {"a": record("a")}),
        (b"b\n", {}),
    ],
)
def test_what_serves_is_unknown_where_records_leave_it_open(
    current: bytes | None, records: dict[str, bytes], tmp_path: Path
) -> None:
    shelf = shelf_of(tmp_path, current, **records)
    assert shelf.serving is None
    assert shelf.doubt


def test_a_record_in_the_folder_of_another_is_none(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, b"a\n", a=record("a"), b=record("a"), c=record("d"))
    assert (names(shelf.releases), shelf.torn) == (["a"], ("b", "c"))


EVIL = ("../../x", "a/b", "-rf", "", ".", "a b", "a;b", "a\n", "ä")


@pytest.mark.parametrize("name", EVIL)
def test_a_name_from_a_host_is_nothing_but_a_name(name: str) -> None:
    good = release("r1", "r0", State.DONE, "web")
    service = good.services["web"]
    changed = [replace(good, id=ReleaseId(name)), replace(good, services={name: service})]
    if name:
        changed += [replace(good, previous=ReleaseId(name)), replace(good, restores=ReleaseId(name))]
    changed += [
        replace(good, services={"web": changed})
        for changed in (replace(service, proxies=(name,)), replace(service, needs=(name,)))
    ]
    changed += [replace(good, restored=(f"manual-20250115_120000{name or '!'}", "20250115_120000"))]
    shelf = store.parse_shelf("\n".join(("r1", to_json(good), *map(to_json, changed))))
    assert shelf.releases == (good,)
    assert shelf.unreadable == len(changed)
