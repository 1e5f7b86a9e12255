"""Looking at hosts: what each says is shown as it comes, and one that says nothing hides no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from schedgen_ops.errors import CommandFailed, OpsError, Refused
from schedgen_ops.events import HostMissing
from schedgen_ops.fleet import Fleet
from schedgen_ops.outcomes import Outcomes, by_severity, report
from schedgen_ops.remote import Remote
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Column, Table

T = TypeVar("T")

_FEW = 4


def look(
    op: Operation,
    action: Callable[[Remote], T],
    show: Callable[[Mapping[str, T]], None] | None = None,
    fleet: Fleet | None = None,
) -> Outcomes[T]:
    """Ask every host at once, show what comes, and name a host that is missing as soon as that is known.

    Nothing is raised for a host that is missing: `conclude` does, when everything was shown.

    Args:
        show: takes the answers of some hosts, in the configuration's order; called once or more. None where
            nothing is shown before all have answered.
        fleet: the hosts to ask, if not all that were chosen.
    """
    hosts = op.fleet if fleet is None else fleet
    ok: dict[str, T] = {}
    errors: dict[str, Exception] = {}
    for came in hosts.as_they_come(action):
        ok |= came.ok
        errors |= came.errors
        if came.ok and show:
            show(came.ok)
        for host, error in came.errors.items():
            if isinstance(error, CommandFailed):
                # Whoever looks has touched nothing: there is nothing that a human would have to put right.
                error.exit_code = Refused.exit_code
            if isinstance(error, OpsError):
                code, alone = error.exit_code, len(op.fleet) == 1
                op.emit(HostMissing(host, error.message, error.hint, code, alone))
    order = hosts.names
    return Outcomes(
        {name: ok[name] for name in order if name in ok},
        {name: errors[name] for name in order if name in errors},
    )


def conclude(seen: Outcomes[Any], *found: OpsError) -> None:
    """Raise what weighs most: what was found, or the hosts that are missing; the other is told below it.

    Raises:
        OpsError: unless nothing was found and no host is missing.
    """
    missing = seen.error()
    errors = sorted((error for error in (*found, missing) if error is not None), key=by_severity)
    if not errors:
        return
    worst, *others = errors
    if missing in others:
        worst.message += f"; {len(seen.errors)} of {len(seen.errors) + len(seen.ok)} hosts did not answer"
    worst.detail = "\n".join(filter(None, (worst.detail, *map(report, others))))
    raise worst


@dataclass(slots=True)
class Rows:
    """One table of all hosts that grows as they answer."""

    op: Operation
    columns: tuple[Column | str, ...]
    title: str = ""
    _widths: tuple[int, ...] = ()

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Show further rows, below those that were shown."""
        if rows:
            table = Table(self.columns, tuple(rows), self.title, goes_on=self._widths)
            self._widths = table.widths()
            self.op.ui.show(table)

    def end(self, seen: Outcomes[Any], empty: str) -> None:
        """Say `empty`, a sentence, where hosts answered and had nothing to show: of those hosts alone."""
        if not self._widths and seen.ok:
            self.op.ui.show(Table(self.columns, (), self.title, empty=_of_those(seen, empty)))


def _of_those(seen: Outcomes[Any], sentence: str) -> str:
    if not seen.errors:
        return sentence
    few = ", ".join(seen.ok) if len(seen.ok) <= _FEW else f"{len(seen.ok)} hosts"
    return f"{sentence.removesuffix('.')} on {few}."
