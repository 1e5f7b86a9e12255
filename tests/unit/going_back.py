"""A rollback on simulated hosts, by its plan alone or as a task with an operator who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploying import OWNER, Outcome, one, two
from fakes import FakeClock
from simulated import SimHost
from ui_kit import Face, Tty

from schedgen_ops.cli import rollback
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import recovering
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.events import Event
from schedgen_ops.fleet import Fleet
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollback.run import rollback as assemble
from schedgen_ops.task_run import Operation, Options

THIRD, FOURTH = "20250115_140000", "20250115_150000"


def _outcome(act: Callable[[], str], seen: list[Event]) -> Outcome:
    try:
        release = act()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def roll_back(*hosts: SimHost, to: str, run: str = THIRD, revert: bool = False) -> Outcome:
    """Goes back to a release, without asking."""
    seen: list[Event] = []
    chosen = two if len(hosts) == 2 else one
    session = Session(chosen, Fleet(hosts), Ref("v1"), run, FakeClock(), seen.append, OWNER)
    todo = assemble(session, ReleaseId(to), revert=revert)
    return _outcome(todo, seen)


def recover(*hosts: SimHost, run: str = FOURTH) -> Outcome:
    """Takes back what an interrupted run left."""
    seen: list[Event] = []
    chosen = two if len(hosts) == 2 else one
    session = Session(chosen, Fleet(hosts), None, run, FakeClock(), seen.append, OWNER)

    def act() -> str:
        recovering.recover(session)
        return session.previous

    return _outcome(act, seen)


@dataclass(frozen=True)
class Asked:
    """What an operator saw of `inv rollback`."""

    code: int
    error: OpsError | None
    text: str


def ask(
    *hosts: SimHost,
    to: str = "",
    revert: bool = False,
    restore: bool = False,
    yes: bool = False,
    typed: str = "yes\n",
) -> Asked:
    """`inv rollback` by an operator who types `typed`."""
    face = Face(stdin=Tty(typed))
    op = Operation(Options(yes=yes), face.ui, FakeClock())
    vars(op).update(settings=two if len(hosts) == 2 else one, fleet=Fleet(hosts))
    error: OpsError | None = None
    try:
        with face.ui:
            rollback.rollback(op, to, revert, restore)
    except OpsError as caught:
        error = caught
    except KeyboardInterrupt:
        return Asked(130, None, face.out + face.err)
    return Asked(error.exit_code if error else 0, error, face.out + face.err)
