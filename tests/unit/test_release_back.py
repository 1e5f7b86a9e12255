"""Which release comes before which, and which migrations came in between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st
from test_release import GRAPHS, release

from schedgen_ops.release.record import Release, ReleaseId, State, before, since


@dataclass
class History:
    """Deploys and rollbacks as an operator makes them, and what must be true of them.

    Attributes:
        served: the releases that can be gone back to, the serving one last.
    """

    made: list[Release] = field(default_factory=list)
    served: list[Release] = field(default_factory=list)

    @property
    def current(self) -> str:
        """The record that serves: for a rollback, its own."""
        good = [found for found in self.made if found.good]
        return good[-1].id if good else ""

    def add(self, state: State, restores: str = "", *migrations: str) -> Release:
        """One more record on top of the one that serves."""
        new = release(f"{len(self.made) + 1:02}", self.current, state)
        new = replace(new, restores=ReleaseId(restores), migrations=migrations)
        self.made.append(new)
        return new

    def do(self, what: str) -> None:
        """deploy, fail or back."""
        if what == "back" and len(self.served) > 1:
            self.served.pop()
            self.add(State.DONE, self.served[-1].id)
        elif what == "deploy":
            self.served.append(self.add(State.DONE, "", f"m{len(self.made) + 1}"))
        elif what == "fail":
            self.add(State.FAILED, "", f"m{len(self.made) + 1}")


def history(*actions: str) -> History:
    """What is left after these."""
    made = History()
    for what in actions:
        made.do(what)
    return made


def serving(made: History) -> Release:
    return next(found for found in made.made if found.id == made.current)


ACTIONS = st.lists(st.sampled_from(["deploy", "deploy", "back", "fail"]), max_size=14)


@given(ACTIONS)
def test_going_back_goes_one_release_further_each_time(actions: list[str]) -> None:
    made = history("deploy", *actions)
    expected = made.served[-2] if len(made.served) > 1 else None
    assert before(tuple(made.made), serving(made)) == expected


def test_a_rollback_of_a_rollback_goes_back_two_releases() -> None:
    made = history("deploy", "deploy", "deploy", "back")
    found = before(tuple(made.made), serving(made))
    assert found is not None
    assert found.id == "01"
    assert before(tuple(made.made), serving(history("deploy", "deploy", "deploy", "back", "back"))) is None


def test_after_a_rollback_a_deploy_goes_back_to_what_was_gone_back_to() -> None:
    made = history("deploy", "deploy", "back", "deploy")
    found = before(tuple(made.made), serving(made))
    assert found is not None
    assert found.id == "01"


def test_a_failed_release_is_not_gone_back_to() -> None:
    made = history("deploy", "fail", "fail", "deploy")
    assert [r.state for r in made.made] == [State.DONE, State.FAILED, State.FAILED, State.DONE]
    assert before(tuple(made.made), serving(made)) == made.made[0]


def test_the_first_release_has_none_before_it() -> None:
    made = history("deploy")
    assert before(tuple(made.made), serving(made)) is None
    assert before((), release("1", "gone")) is None


@given(GRAPHS, st.data())
def test_whatever_names_whatever_the_search_ends(found: tuple[Release, ...], data: st.DataObject) -> None:
    ids = st.sampled_from([*(r.id for r in found), "", "gone"])
    found = tuple(replace(r, restores=ReleaseId(data.draw(ids)), migrations=(f"m{r.id}",)) for r in found)
    for at in found:
        target = before(found, at)
        assert target is None or target in found
        brought = since(found, ReleaseId(data.draw(ids)), at.id)
        assert len(set(brought)) == len(brought)


def test_the_migrations_since_a_release_are_those_of_the_later_ones_newest_first() -> None:
    made = history("deploy", "deploy", "deploy")
    assert since(tuple(made.made), ReleaseId("01"), ReleaseId("03")) == ("m3", "m2")
    assert since(tuple(made.made), ReleaseId("03"), ReleaseId("03")) == ()
    assert since(tuple(made.made), ReleaseId("01"), ReleaseId("gone")) == ()


@given(ACTIONS)
def test_migrations_that_stayed_are_still_counted_after_a_rollback(actions: list[str]) -> None:
    made = history("deploy", *actions)
    first = made.made[0].id
    brought = since(tuple(made.made), first, ReleaseId(made.current))
    stayed = {name for found in made.made[1:] if found.good for name in found.migrations}
    assert set(brought) <= stayed
    if "back" not in actions:
        assert set(brought) == stayed
    assert list(brought) == sorted(brought, key=lambda name: int(name[1:]), reverse=True)


def test_a_migration_that_two_releases_name_counts_once() -> None:
    first, second, third = (release(str(n), str(n - 1)) for n in (1, 2, 3))
    found = (first, replace(second, migrations=("a", "b")), replace(third, migrations=("b", "c")))
    assert since(found, ReleaseId("1"), ReleaseId("3")) == ("c", "b", "a")
