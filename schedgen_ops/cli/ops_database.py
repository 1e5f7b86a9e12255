"""The schema and the sessions of the database, as `inv ops` moves and ends them by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops import events
from schedgen_ops.cli.choosing import among
from schedgen_ops.cli.locking import awaited
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.cli.ops import change
from schedgen_ops.commands import docker as engine
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.ops import migrating, remote_commands
from schedgen_ops.remote import Remote
from schedgen_ops.schema_standing import Standing
from schedgen_ops.settings import Settings
from schedgen_ops.task_run import Operation


def migrations(op: Operation) -> None:
    """Show which migrations are applied and which are pending.

    Raises:
        OpsError: where that is not known.
    """
    rows = Rows(op, ("Host", "State", "Migration"))

    def show(came: Mapping[str, Standing]) -> None:
        for host, schema in came.items():
            rows.add([(host, "applied", name) for name in schema.applied])
            rows.add([(host, "pending", name) for name in schema.pending])

    seen = look(
        op, lambda remote: migrating.look(remote, op.settings, op.emit, _once(op)), show, _migrating(op)
    )
    rows.end(seen, "There are no migrations.")
    conclude(seen)


def migrate(op: Operation) -> None:
    """Apply pending migrations, by the serving release's image.

    Raises:
        Refused: when the answer was no.
        OpsError: where one fails.
    """
    _schema(op, "ops.migrate", "Apply what is pending?", "Migrating", migrating.migrate)


def revert_migration(op: Operation) -> None:
    """Revert the last migration, by the serving release's image.

    Raises:
        Refused: when the answer was no.
        OpsError: where it fails.
    """
    _schema(op, "ops.revert-migration", "Revert the last one?", "Reverting", migrating.revert)


def _schema(
    op: Operation,
    command: str,
    question: str,
    title: str,
    action: Callable[[Remote, Settings, events.Emit, migrating.Once], None],
) -> None:
    fleet = _migrating(op)
    awaited(op, fleet)
    notes = []
    found = fleet.each(lambda remote: migrating.look(remote, op.settings, op.emit, _once(op))).by_host()
    for host, schema in found.items():
        last = schema.applied[-1] if schema.applied else "none"
        notes.append(f"{host}: {len(schema.applied)} applied, the last {last}")
        notes += [f"{host}: pending {name}" for name in schema.pending]
    if not op.ui.confirm(question, *notes, yes=op.options.yes):
        raise Refused("nothing was changed")
    change(op, command, title, lambda remote: action(remote, op.settings, op.emit, _once(op)), fleet)


def _migrating(op: Operation) -> Fleet:
    migrating.asked(op.settings)
    if op.settings.on_swarm:
        return op.fleet
    return among(op, op.settings.migrating_hosts(), "migrations start")


def _once(op: Operation) -> migrating.Once:
    """What runs a command in a container of the serving release."""
    if not op.settings.on_swarm:
        return migrating.in_compose
    from schedgen_ops.swarm import schema

    return schema.in_a_job(op.context)


def end_session(op: Operation, named: str) -> None:
    """End one session of the database, as `inv doctor` named it.

    Args:
        named: the session's number.

    Raises:
        ConfigError: without a database, or for what is no number.
        Refused: when the answer was no.
        OpsError: where there is no such session.
    """
    database = op.settings.database
    if database is None:
        raise ConfigError("this environment has no database")
    if not (named.isascii() and named.isdigit()):
        raise ConfigError(f"a session has a number, not {named!r}", hint="`inv doctor` names it.")
    pid = int(named)
    placed = op.placed
    if placed:
        fleet = op.nodes.only((placed.node(),))
    else:
        fleet = among(op, op.settings.hosts_running(database.service), "the database runs")
    if len(fleet) > 1:
        hint = f"Say which with --hosts: {', '.join(fleet.names)}."
        raise ConfigError(f"session {pid} may be another one on each host", hint=hint)
    note = "What it has not committed is lost."
    if not op.ui.confirm(
        f"End session {pid} of {database.name} on {fleet.names[0]}?", note, yes=op.options.yes
    ):
        raise Refused("nothing was changed")

    def work(remote: Remote) -> None:
        docker = engine.Docker(op.settings.sudo)
        asked = remote_commands.end_session(docker, op.settings.project, database, pid)
        kind = engine_of(database.engine)
        answered = kind.parse_queries(remote.run(asked, deadline=60).stdout)
        if not answered or answered[0][0].strip() != "t":
            raise OpsError(f"there is no session {pid} of {database.name}", host=remote.name)
        events.info(op.emit, f"session {pid} was ended", remote.name)

    # The database's node has no lock of its own.
    locks = op.nodes.only(op.nodes.names[:1]) if placed else None
    change(op, "ops.end-session", f"Ending session {pid}", work, fleet, locks=locks)
