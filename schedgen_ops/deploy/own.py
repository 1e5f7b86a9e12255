"""Steps that a team's tasks.py adds to the deploy.

Importing this module imports nothing heavy: tasks.py does so whenever tasks are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schedgen_ops.errors import ConfigError
from schedgen_ops.steps import Step

if TYPE_CHECKING:
    from schedgen_ops.deploy.host_run import Share
    from schedgen_ops.deploy.pipeline import Pipeline
    from schedgen_ops.deploy.session import Session
    from schedgen_ops.remote import Remote
    from schedgen_ops.settings import Settings

    Act = Callable[[Remote, Settings], None]

_FIRST = "Pre-flight Checks"


@dataclass(frozen=True, slots=True)
class OwnStep:
    """A step of tasks.py; its place is `before` or `after` the step of that title, the other one is ""."""

    title: str
    act: Act
    undo: Act | None
    before: str
    after: str

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        return f"before {self.before}" if self.before else f"after {self.after}"


_steps: list[OwnStep] = []


def step(title: str, *, before: str = "", after: str = "", undo: Act | None = None) -> Callable[[Act], Act]:
    """Add a function to `inv deploy` and `inv deploy.guarded` as a step on every host.

    Args:
        title: what the operator reads between `===`.
        before: the title of the step that comes next; or
        after: the title of the step that comes first. One of the two.
        undo: takes back what the function did, also when that stopped halfway, and may run twice.

    Raises:
        ValueError: for no place or two, for one before the lock is held, or for a title that is taken.
    """
    if bool(before) == bool(after) or before == _FIRST:
        raise ValueError(f"a step is before or after another one, and after {_FIRST!r}")
    if any(known.title == title for known in _steps):
        raise ValueError(f"there is a step {title!r} already")

    def add(act: Act) -> Act:
        _steps.append(OwnStep(title, act, undo, before, after))
        return act

    return add


def added(run: Pipeline) -> Pipeline:
    """Return the pipeline with the steps of tasks.py in their places.

    Raises:
        ConfigError: for a place that the run does not have.
    """
    titles = dict.fromkeys(title for known in run.steps for title in known.titles)
    for own in _steps:
        if (own.before or own.after) not in titles:
            raise ConfigError(
                f"the step {own.title!r} of tasks.py belongs {own.place}, which this run does not have",
                hint=f"It has: {', '.join(titles)}.",
            )
    return replace(run, steps=tuple(_in_order(run.session, run.steps)))


def listed() -> tuple[tuple[str, str], ...]:
    """Return the title of each added step and where it stands, in words."""
    return tuple((own.title, own.place) for own in _steps)


def _in_order(session: Session, steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps with ours before the first of the place, or after the last: hosts may go one by one."""
    for number, known in enumerate(steps):
        earlier = {title for step in steps[:number] for title in step.titles}
        later = {title for step in steps[number + 1 :] for title in step.titles}
        yield from (_made(session, own) for own in _steps if own.before in {*known.titles} - earlier)
        yield known
        yield from (_made(session, own) for own in _steps if own.after in {*known.titles} - later)


def _made(session: Session, own: OwnStep) -> Step:
    undo = session.undoing(_share(own.undo)) if own.undo else None
    return Step("", own.title, lambda: session.do(_share(own.act)), undo=undo)


def _share(act: Act) -> Share:
    return lambda host_run: act(host_run.remote, host_run.settings)
