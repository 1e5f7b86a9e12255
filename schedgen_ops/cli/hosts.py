"""What the tasks of `inv hosts` do with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedgen_ops.checklist.boxes import Mark, Tick
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.errors import OpsError
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.preflight.run import refused
from schedgen_ops.provision import findings, run
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Column

Ticks = tuple[Tick, ...]


def check(op: Operation) -> None:
    """Show of every host whether it is what a deploy needs, and what mends it.

    Raises:
        Refused: where a host is not ready.
        Unreachable: where a host cannot be asked; the others are shown.
    """
    rows = Rows(op, (Column("", key="mark"), "Host", "Box", "What was seen", "What to do"))
    bad: list[tuple[str, Problem]] = []

    def show(came: Mapping[str, Ticks]) -> None:
        for host, ticks in came.items():
            rows.add([_row(host, tick) for tick in ticks])
            bad.extend((host, problem) for problem in findings.refusals(ticks))

    seen: Outcomes[Ticks] = look(op, lambda remote: run.look(op.context(remote)), show)
    for host, error in seen.errors.items():
        if isinstance(error, OpsError):
            rows.add([_row(host, tick) for tick in findings.without(error)])
    conclude(seen, *_refusals(bad))


def _row(host: str, tick: Tick) -> tuple[str, ...]:
    fix = "" if tick.mark is Mark.PASSED else tick.fix
    return (tick.mark.value, host, tick.box.title, tick.text, fix)


def _refusals(bad: list[tuple[str, Problem]]) -> Iterator[OpsError]:
    if bad:
        yield refused(bad)
