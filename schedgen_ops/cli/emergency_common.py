"""What emergencies have in common, whoever runs the services: the question, the lock, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from schedgen_ops import strangers
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.elsewhere import on_each
from schedgen_ops.backup.restore.run import Restore
from schedgen_ops.cli.backup import age_of
from schedgen_ops.cli.locking import locked
from schedgen_ops.cli.restore import lost, old_data
from schedgen_ops.emergency.remote_commands import plan_lines
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation

Act = Callable[[], None]
Action = Callable[[Restore], None]
COMPLETE, CORRUPT = "Recovery from a complete failure", "Recovery of the database"
RESTORING = (
    "Start the database and the object store; files that they do not start with are set aside",
    "Save what can still be read as safety-...",
    "Restore the database and the objects, and check them",
)


@dataclass(slots=True)
class Doubt:
    """Whether data may be half exchanged: by this run, or by one whose data could not be put back."""

    any: bool = False


def ask(
    op: Operation,
    warning: str,
    found: dict[str, Manifest],
    steps: Sequence[str],
    *,
    lost_rows: bool = False,
) -> None:
    """Tell what an emergency would do, and ask for it.

    Args:
        found: the backup that is restored, by host.
        lost_rows: whether it is told what that changes.

    Raises:
        Refused: for an answer that was no.
    """

    def notes() -> Iterator[str]:
        yield warning
        for name, backup in found.items():
            release = backup.release or "unknown"
            yield f"{name}: {backup.id}, made {age_of(op, backup.created)} from release {release}"
            yield from lost(op, op.fleet[name], backup) if lost_rows else ()
        yield from plan_lines(steps)

    if not op.ui.confirm("Do you want to proceed?", *notes(), yes=op.options.yes):
        raise Refused("nothing was changed")


def exchange_of(users: str) -> tuple[str, ...]:
    """Return in words what a recovery of the database does.

    Args:
        users: the services that use it.
    """
    return (
        f"Stop {users}",
        "Save the database as it is as safety-..., if it can be read",
        "Restore the database beside the old one, check it, and exchange the two",
        f"Start {users}",
        "Verify",
    )


def refuse_half(halves: Sequence[str]) -> None:
    """Refuse to start what uses the database: nobody may see data of different times, on whatever host.

    Raises:
        OpsError: where it may be half exchanged on one of these hosts.
    """
    if halves:
        text = f"what uses the database stays stopped, it may be half exchanged on {', '.join(halves)}"
        raise OpsError(text, hint="`inv deploy.recover` puts the old data in place, and starts them.")


def perform(
    op: Operation,
    title: str,
    steps: tuple[Step, ...],
    todo: dict[str, Restore],
    doubt: Doubt,
) -> None:
    """Lock the hosts, put half-exchanged data back, and run the steps.

    Args:
        todo: the restores among them, by host.
        doubt: told whether data may be half exchanged when they begin.

    Raises:
        OpsError: where one of them failed, with the exit code that says what is so now.
    """
    op.begin("emergency", title, steps=tuple((step.number, step.title) for step in steps))
    with locked(op, op.fleet, "emergency") as held:
        strangers.refuse_all(op.fleet, op.context)
        parts = frozenset[str]().union(*(one.parts for one in todo.values()))
        doubt.any = not half.put_back_all(op.fleet, op.context, parts)
        runner = StepRunner(
            op.emit, op.clock, serving=lambda: old_data(op, any_data=bool(todo)), regain=held.regain
        )
        runner.run(steps)
        on_each(op.fleet, todo, Restore.settle)
    kept = ", ".join(f"{name}: {text}" for name, one in todo.items() for text in one.kept)
    ids = ", ".join(sorted({one.backup.id for one in todo.values()}))
    about = (("Backup", ids), ("Kept", kept)) if todo else ()
    op.end("Recovery Complete", "Everything serves again", about)
