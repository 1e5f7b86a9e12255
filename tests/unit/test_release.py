"""Release records: written, read back with suspicion, put in order, and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.release.names import next_run
from schedgen_ops.release.record import (
    Release,
    ReleaseId,
    ServiceRecord,
    State,
    from_json,
    kept,
    new_id,
    served_in_order,
    to_json,
)

COMMIT = "3f2a9c1" + "0" * 33
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COMMITS = st.text("0123456789abcdef", min_size=7, max_size=64)
SERVICES = st.dictionaries(TEXT, st.builds(ServiceRecord, TEXT, TEXT, TEXT, TEXT), max_size=3)
RELEASES = st.builds(
    Release,
    id=TEXT,
    branch=TEXT,
    commit=COMMITS,
    state=st.sampled_from(State),
    previous=TEXT,
    started=TEXT,
    finished=TEXT,
    by=TEXT,
    backup=TEXT,
    migrations=st.lists(TEXT, max_size=3).map(tuple),
    reverted=st.lists(TEXT, max_size=3).map(tuple),
    restores=TEXT,
    error=TEXT,
    steps=st.lists(st.tuples(TEXT, st.floats(0, 1e6)), max_size=3).map(tuple),
    services=SERVICES,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def release(name: str, previous: str = "", state: State = State.DONE, *images: str) -> Release:
    services = {image: ServiceRecord(f"p-{image}:{name}", f"sha256:{image}", "d") for image in images}
    return Release(ReleaseId(name), "main", COMMIT, state, ReleaseId(previous), services=services)


def names(releases: tuple[Release, ...]) -> list[str]:
    return [found.id for found in releases]


def test_an_id_is_the_time_and_the_commit() -> None:
    assert new_id("20241130_143000", COMMIT) == "20241130_143000-3f2a9c1"


@quickly
@given(RELEASES)
def test_a_record_is_read_back_as_it_was_written_on_one_line(record: Release) -> None:
    text = to_json(record)
    assert "\n" not in text
    assert from_json(text) == record


@quickly
@given(st.text(max_size=30) | JSON.map(json.dumps))
def test_what_is_no_record_is_refused_as_such(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_json(text)


@quickly
@given(RELEASES, st.sampled_from([*Release.__dataclass_fields__]), JSON)
def test_a_record_with_a_field_gone_wrong_is_refused_or_read_never_a_defect(
    record: Release, name: str, value: object
) -> None:
    data = json.loads(to_json(record)) | {name: value}
    try:
        found = from_json(json.dumps(data))
    except ValueError:
        return
    assert names(served_in_order((found, record)))


@pytest.mark.parametrize("commit", [5, None, "--help", "3F2A9C1", "3f2a9c1; id", "3f2a9c1\n"])
def test_what_is_no_commit_never_reaches_git(commit: object) -> None:
    data = json.loads(to_json(release("a"))) | {"commit": commit}
    with pytest.raises(ValueError, match="commit"):
        from_json(json.dumps(data))


def test_what_a_newer_version_added_is_passed_over() -> None:
    data = json.loads(to_json(release("a", "", State.DONE, "web")))
    data["watched_by"] = "someone"
    data["services"]["web"]["signature"] = "sha512:0"
    assert from_json(json.dumps(data)) == release("a", "", State.DONE, "web")


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("replicas", "1", "services.web.replicas: "),
        ("replicas", True, "services.web.replicas: "),
        ("proxies", "web_80", "services.web.proxies: "),
        ("needs", [5], "services.web.needs.0: "),
        ("image", None, "services.web.image: "),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_place_and_not_quoted(
    place: str, value: object, told: str
) -> None:
    data = json.loads(to_json(release("a", "", State.DONE, "web")))
    data["services"]["web"][place] = value
    with pytest.raises(ValueError, match=told) as caught:
        from_json(json.dumps(data))
    assert "web_80" not in str(caught.value)


def test_deeply_nested_garbage_is_garbage() -> None:
    with pytest.raises(ValueError, match="deeply"):
        from_json("[" * 100_000)


@pytest.mark.parametrize(
    ("state", "good"),
    [("DONE", True), ("ADOPTED", True), ("STARTED", False), ("FAILED", False), ("BROKEN", False)],
)
def test_only_what_served_is_good(state: str, good: bool) -> None:
    assert release("a", "", State(state)).good is good


def test_the_newest_comes_first() -> None:
    found = (release("2", "1"), release("3", "2"), release("1"))
    assert names(served_in_order(found)) == ["3", "2", "1"]


def test_a_clock_that_jumped_back_does_not_change_the_order() -> None:
    found = (release("20300101"), release("20250101", "20300101"), release("20250102", "20250101"))
    assert names(served_in_order(found)) == ["20250102", "20250101", "20300101"]


def test_failed_attempts_stand_beside_the_release_that_took_their_place() -> None:
    found = (
        release("1"),
        release("2", "1", State.FAILED),
        release("3", "1", State.FAILED),
        release("4", "1"),
        release("5", "4"),
    )
    assert names(served_in_order(found)) == ["5", "4", "3", "2", "1"]


def test_the_one_that_came_to_serve_is_the_last_of_its_time_whatever_its_laptops_clock_said() -> None:
    found = (
        release("20250116", "20250110", State.FAILED),
        release("20250110"),
        release("20250101", "20250110"),
        release("20250117", "20250110", State.STARTED),
    )
    assert names(served_in_order(found))[0] == "20250101"
    assert names(kept(found, ReleaseId("20250101"), 2)) == ["20250101", "20250110"]


def test_what_follows_a_record_that_cannot_be_read_is_newer_than_what_came_before_it() -> None:
    found = (release("5", "4"), release("2", "1"), release("1"), release("3", "2"), release("6", "5"))
    assert names(served_in_order(found)) == ["6", "5", "3", "2", "1"]


@quickly
@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), max_size=5), st.floats(-1e5, 1e5))
def test_an_id_is_later_than_every_other_of_the_host(known: list[datetime], ahead: float) -> None:
    ids = [*(f"{moment:%Y%m%d_%H%M%S}-abc1234" for moment in known), "no time", ""]
    name = next_run("20250115_120000", ahead, map(ReleaseId, ids))
    assert all(name > other[:15] for other in ids if other[:1] == "2")
    if not known:
        gap = datetime.strptime(name, "%Y%m%d_%H%M%S") - datetime(2025, 1, 15, 12)
        assert gap.total_seconds() == round(ahead)


GRAPHS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9), st.sampled_from(State)), max_size=9).map(
    lambda rows: tuple(
        {number: release(str(number), str(before), state) for number, before, state in rows}.values()
    )
)


@quickly
@given(GRAPHS, st.randoms())
def test_the_order_is_total_whatever_names_whatever(found: tuple[Release, ...], random: Any) -> None:
    ordered = served_in_order(found)
    assert sorted(names(ordered)) == sorted(names(found))
    shuffled = list(found)
    random.shuffle(shuffled)
    if not _has_cycle(found):
        assert served_in_order(tuple(shuffled)) == ordered
        place = {name: number for number, name in enumerate(names(ordered))}
        assert all(place[r.id] < place[r.previous] for r in found if r.previous in place)


def _has_cycle(found: tuple[Release, ...]) -> bool:
    before = {r.id: r.previous for r in found}
    return any(_returns(name, before) for name in before)


def _returns(name: ReleaseId, before: dict[ReleaseId, ReleaseId]) -> bool:
    seen: set[str] = set()
    while name in before and name not in seen:
        seen.add(name)
        name = before[name]
    return name in seen


@quickly
@given(GRAPHS, st.integers(1, 5))
def test_the_release_that_serves_is_always_kept_and_failed_ones_never(
    found: tuple[Release, ...], count: int
) -> None:
    for current in [*names(found), "", "gone"]:
        keep = kept(found, ReleaseId(current), count)
        assert len(keep) <= count
        assert (current in names(keep)) == (current in names(found))
        assert all(r.good for r in keep if r.id != current)
        good = [r for r in found if r.good or r.id == current]
        assert len(keep) == min(count, len(good))


def test_the_newest_good_ones_are_kept() -> None:
    found = tuple(release(str(n), str(n - 1), State.FAILED if n == 3 else State.DONE) for n in range(1, 6))
    assert names(kept(found, ReleaseId("5"), 3)) == ["5", "4", "2"]


def test_a_rollback_and_what_it_went_back_to_count_once() -> None:
    first, second, third = (release(str(n), str(n - 1), State.DONE) for n in (1, 2, 3))
    back = replace(release("4", "3", State.DONE), restores=ReleaseId("2"))
    again = replace(release("5", "4", State.DONE), restores=ReleaseId("4"))
    found = (first, second, third, back, again)
    assert names(kept(found, ReleaseId("5"), 3)) == ["5", "4", "3", "2", "1"]
    assert names(kept(found, ReleaseId("5"), 2)) == ["5", "4", "3", "2"]
    assert names(kept(found, ReleaseId("5"), 1)) == ["5", "4", "2"]


def test_records_that_restore_each_other_are_no_endless_search() -> None:
    odd = tuple(
        replace(release(a, "", State.DONE), restores=ReleaseId(b)) for a, b in (("1", "2"), ("2", "1"))
    )
    assert set(names(kept(odd, ReleaseId("1"), 5))) == {"1", "2"}
