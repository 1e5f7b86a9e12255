"""inv backup: the data saved, and what was saved looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_ID = {"id": "The backup, or the start of its name (default: the last good one)."}
_ONE = {"id": "The backup, or the start of its name."}


@operation(swarm="data", default=True, locks=True, name="all")
def all_(op: Operation) -> None:
    """Back up the database, the objects and the configuration."""
    from schedgen_ops.cli import backup as cli

    cli.create(op)


@operation(swarm="data", locks=True)
def database(op: Operation) -> None:
    """Back up the database alone."""
    from schedgen_ops.cli import backup as cli

    cli.create(op, frozenset({"database"}))


@operation(swarm="data", locks=True)
def objects(op: Operation) -> None:
    """Back up the objects alone."""
    from schedgen_ops.cli import backup as cli

    cli.create(op, frozenset({"objects"}))


@operation(swarm="data", locks=True)
def config(op: Operation) -> None:
    """Back up the env file and the serving release's compose definition."""
    from schedgen_ops.cli import backup as cli

    cli.create(op, frozenset({"config"}))


@operation(swarm="data")
def last(op: Operation) -> None:
    """Show the newest good backup and how to restore it."""
    from schedgen_ops.cli import backup as cli

    cli.last(op)


@operation(swarm="data")
def overdue(op: Operation) -> None:
    """Tell whether every host has a backup that is young enough; for cron. Tells the team where not."""
    from schedgen_ops.cli import overdue as cli

    cli.overdue(op)


@operation(swarm="data", name="list")
def list_(op: Operation) -> None:
    """List the backups, newest first, and those that failed."""
    from schedgen_ops.cli import catalog

    catalog.list_(op)


@operation(swarm="data", help=_ONE)
def show(op: Operation, id: str) -> None:
    """Show all that is known of one backup."""
    from schedgen_ops.cli import catalog

    catalog.show(op, id)


@operation(swarm="data", help={**_ONE, "to": "Folder here; by default where the logs are, below backups/."})
def fetch(op: Operation, id: str, to: str = "") -> None:
    """Bring a backup to this machine; goes on where it broke off."""
    from schedgen_ops.cli import offsite as cli

    cli.fetch(op, id, to)


@operation(swarm="data", help=_ONE)
def push(op: Operation, id: str) -> None:
    """Copy a backup to the offsite remote, and read it back."""
    from schedgen_ops.cli import offsite as cli

    cli.push(op, id)


@operation(swarm="data", locks=True, help=_ONE)
def pull(op: Operation, id: str) -> None:
    """Bring a backup back from the offsite remote to its hosts; goes on where it broke off."""
    from schedgen_ops.cli import offsite as cli

    cli.pull(op, id)


@operation(swarm="data", help=_ID)
def verify(op: Operation, id: str = "") -> None:
    """Read a backup to its end and compare it with its manifest."""
    from schedgen_ops.cli import backup as cli

    cli.verify(op, id)


@operation(swarm="data", asks=True, locks=True)
def prune(op: Operation) -> None:
    """Remove the backups that nothing holds any more; shows which and why, and asks."""
    from schedgen_ops.cli import prune as cli

    cli.prune(op)


@operation(swarm="data", locks=True, help=_ID)
def drill(op: Operation, id: str = "") -> None:
    """Restore a backup into a throwaway container, compare, and record the proof."""
    from schedgen_ops.cli import backup as cli

    cli.prove(op, id)


@operation(
    swarm="data",
    asks=True,
    locks=True,
    help={
        "id": "The backup, or the start of its name.",
        "only": "database or objects, where not both are wanted.",
        "discard_old": "Remove what was there before; else it is kept beside what was restored.",
        "from_offsite": "Bring it from the offsite remote first.",
    },
)
def restore(
    op: Operation, id: str, only: str = "", discard_old: bool = False, from_offsite: bool = False
) -> None:
    """Restore a backup beside what serves, check it there, then exchange the two."""
    from schedgen_ops.cli import restore as cli

    cli.restore(op, id, only, discard_old, from_offsite)


@operation(swarm="data", asks=True, locks=True)
def discard(op: Operation) -> None:
    """Remove what earlier restores put aside, for good."""
    from schedgen_ops.cli import restore as cli

    cli.discard(op)
