"""The backup before a deploy on a Swarm: on the node where the database runs, and on the first host."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time, remote_commands
from schedgen_ops.backup.catalog.manifest import Kind
from schedgen_ops.backup.create import capacity
from schedgen_ops.backup.create import run as backup
from schedgen_ops.backup.create.source import source_of
from schedgen_ops.backup.offsite import push
from schedgen_ops.backup.restore import drill
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Remote
from schedgen_ops.steps import Step
from schedgen_ops.swarm import data_node
from schedgen_ops.swarm.session import SwarmSession


def look(session: SwarmSession) -> None:
    """Make sure that the data is where something serves, and that there is room for its backup.

    Raises:
        Refused: otherwise.
    """
    if session.settings.stores and not begun(session):
        make_room(session)


def make_room(session: SwarmSession) -> None:
    """Make sure that what has the data runs, whoever runs it, and that there is room for a backup.

    Raises:
        Refused: otherwise.
    """
    session.totals = _each(session, capacity_of)


def capacity_of(host: HostContext) -> dict[str, int]:
    """Have the folder on a host; return what the parts of a backup will likely come to there, in bytes."""
    data_node.ready(host)
    # Where that is not possible, the backup itself says why.
    sweep = remote_commands.sweep(host.settings.backup.directory).in_dir(host.settings.directory)
    host.run(sweep, check=False)
    return capacity.ensured(host, source_of(host))


def step(session: SwarmSession) -> Step:
    """Return the step that makes a checked backup before anything changes."""

    def run() -> None:
        if new := begun(session):
            names = ", ".join(new)
            events.info(session.emit, f"{names} does not run yet: what there is is saved once it does")
            return
        events.info(session.emit, "Creating backup before deployment")
        save(session)
        events.info(session.emit, "Pre-deployment backup completed successfully")

    return Step("0", "Pre-deployment backup", run, beside=True)


def begun(session: SwarmSession) -> tuple[str, ...]:
    """Return the services with data that run since this deploy alone: what there is was not saved before."""
    old = session.at_work.old
    return tuple(name for name in session.settings.stores if old is None or name not in old.services)


def save_first(session: SwarmSession) -> None:
    """Save what services have that did not run before: their volumes may be old ones."""
    session.look_for_data()
    _each(session, data_node.ready)
    save(session)


def save(session: SwarmSession) -> None:
    """Make a backup on every host that has a part of it, under one name."""
    fleet = session.fleet_of_data()
    at = host_time.together(fleet)
    made = fleet.each(partial(_save, session, at=at)).values()
    session.at_work.backup = f"{session.settings.backup.directory}/{made[0]}"


def _save(session: SwarmSession, remote: Remote, *, at: datetime | None) -> str:
    host, totals = session.of_data(remote), session.totals.get(remote.name)
    made = backup.create(host, Kind.PRE_DEPLOYMENT, source_of(host), totals=totals, at=at)
    if made.database:
        drill.when_due(host, made)
    push.after_backup(host, made)
    return made.id


def _each(session: SwarmSession, action: data_node.Look) -> dict[str, dict[str, int]]:
    fleet = session.fleet_of_data()
    found = fleet.each(lambda remote: action(session.of_data(remote)) or {}).values()
    return dict(zip(fleet.names, found, strict=True))
