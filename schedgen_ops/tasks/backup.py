"""inv backup: the data saved, and what was saved looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.operation import Operation


@operation(default=True, name="all")
def all_(op: Operation) -> None:
    """Back up the database and the objects."""
    from schedgen_ops.backup import command

    command.create(op)


@operation()
def last(op: Operation) -> None:
    """Show the newest good backup and how to restore it."""
    from schedgen_ops.backup import command

    command.last(op)


@operation(name="list")
def list_(op: Operation) -> None:
    """List the good backups, newest first."""
    from schedgen_ops.backup import command

    command.list_(op)
