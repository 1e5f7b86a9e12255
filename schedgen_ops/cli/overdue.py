"""What `inv backup.overdue` does with an operation: are the backups young enough, and if not, who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedgen_ops import events
from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.cli.backup import catalog_of, holders_of_data
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.errors import OpsError, VerificationFailed
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.remote import Remote
from schedgen_ops.task_run import Operation
from schedgen_ops.text import age, plural


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest good backup of a host with all of its data; None where there is none."""

    backup: Manifest | None
    now: datetime
    limit: timedelta

    @property
    def late(self) -> str:
        """Return what is wrong with it, in words; "" for nothing."""
        if self.backup is None:
            return "there is no good backup with all data"
        created = datetime.fromisoformat(self.backup.created)
        if self.now - created <= self.limit:
            return ""
        return f"the newest good backup, {self.backup.id}, was made {age(created, self.now)}"

    def row(self, host: str) -> tuple[str, ...]:
        """Return the host's row of the table."""
        if self.backup is None:
            return (host, "none", "", "overdue")
        made = age(datetime.fromisoformat(self.backup.created), self.now)
        return (host, self.backup.id, made, "overdue" if self.late else "in time")


def overdue(op: Operation) -> None:
    """Show how old the newest backup of every host is, and tell the team where that is too old.

    Raises:
        VerificationFailed: where one is overdue.
    """
    hours = op.settings.backup.overdue_hours
    rows = Rows(op, ("Host", "Newest", "Made", "Verdict"))

    def newest(remote: Remote) -> Newest:
        host, catalog = op.settings.host(remote.name), catalog_of(op, remote)
        return Newest(selection.whole(catalog, op.settings, host), op.clock.now(), timedelta(hours=hours))

    def show(came: Mapping[str, Newest]) -> None:
        rows.add([found.row(host) for host, found in came.items()])

    try:
        fleet = holders_of_data(op)
    except OpsError as error:
        # Where the database of a Swarm runs nowhere, the team hears of that.
        if op.placed:
            _tell(op, (f"{error.host or op.nodes.names[0]}: {error.message}",))
        raise
    seen = look(op, newest, show, fleet)
    if lines := tuple(_lines(seen)):
        _tell(op, (*lines, f"It may be {plural(hours, 'hour')} old."))
    late = {host: found.late for host, found in seen.ok.items() if found.late}
    hint = f"`inv backup` makes one; it may be {plural(hours, 'hour')} old (`backup.overdue_hours`)."
    conclude(seen, *(VerificationFailed(text, host=host, hint=hint) for host, text in late.items()))


def _lines(seen: Outcomes[Newest]) -> Iterator[str]:
    """What the team is told of each host. One that cannot be asked is no host that is well."""
    yield from (f"{host}: {found.late}" for host, found in seen.ok.items() if found.late)
    yield from (f"{host}: could not be asked: {error}" for host, error in seen.errors.items())


def _tell(op: Operation, lines: tuple[str, ...]) -> None:
    settings = op.settings
    if not settings.notify.to:
        return
    from schedgen_ops.notify import notice, team

    delivery = team.delivery(settings)
    delivery.post(notice.overdue(settings.environment, team.surroundings(settings), lines))
    for complaint in filter(None, delivery.finish().values()):
        events.error(op.emit, complaint)
