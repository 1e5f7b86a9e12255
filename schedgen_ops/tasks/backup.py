"""inv backup: the data saved, and what was saved looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.operation import Operation

_BACKUP = "The backup's id, or enough of its start."


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
    """List the backups, newest first, and those that failed."""
    from schedgen_ops.backup import shelf

    shelf.list_(op)


@operation(help={"backup": _BACKUP})
def show(op: Operation, backup: str) -> None:
    """Show all that is known of one backup."""
    from schedgen_ops.backup import shelf

    shelf.show(op, backup)


@operation(help={"backup": _BACKUP, "to": "Folder here; by default where the logs are, below backups/."})
def fetch(op: Operation, backup: str, to: str = "") -> None:
    """Bring a backup to this machine; goes on where it broke off."""
    from schedgen_ops.backup import away

    away.fetch(op, backup, to)


@operation(help={"backup": _BACKUP})
def push(op: Operation, backup: str) -> None:
    """Copy a backup to the offsite remote, and read it back."""
    from schedgen_ops.backup import away

    away.push(op, backup)
