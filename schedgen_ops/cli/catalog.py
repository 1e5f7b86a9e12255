"""The backups of all hosts, looked up, listed and shown. One id may have a share on each host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schedgen_ops.backup.catalog.manifest import BackupId, Manifest, order
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.create import run
from schedgen_ops.cli.backup import keepers
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.remote import Remote
from schedgen_ops.task_run import Operation
from schedgen_ops.text import age, duration, size
from schedgen_ops.ui.tables import Column, Table, details

UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class HostShare:
    """A host's share of a backup."""

    remote: Remote
    backup: Manifest


def catalogs(op: Operation) -> dict[str, Catalog]:
    """Return what is in the backups' folder of each host that has one, by the host's name."""
    fleet = keepers(op)
    found = fleet.each(lambda remote: run.catalog(op.context(remote))).values()
    return dict(zip(fleet.names, found, strict=True))


def chosen(op: Operation, wanted: str) -> tuple[HostShare, ...]:
    """Return every host's share of the one good backup whose id begins with `wanted`.

    Raises:
        ConfigError: when none begins like that, or several do.
        Refused: when it does not count.
    """
    by_host = catalogs(op)
    name = pick(by_host, wanted)
    found = _shares(op, by_host, name)
    for share in found:
        if not share.backup.good:
            raise Refused(
                f"{name} is no backup: it is {share.backup.state}",
                host=share.remote.name,
                detail=share.backup.error,
                hint="`inv backup.list` shows the good ones.",
            )
    return found


def _shares(op: Operation, by_host: Mapping[str, Catalog], name: BackupId) -> tuple[HostShare, ...]:
    return tuple(
        HostShare(op.fleet[host], backup)
        for host, catalog in by_host.items()
        for backup in catalog.backups
        if backup.id == name
    )


def pick(by_host: Mapping[str, Catalog], wanted: str) -> BackupId:
    """Return the one id that begins with `wanted`; see `chosen` for what is raised."""
    known = {backup.id for catalog in by_host.values() for backup in catalog.backups}
    begin = sorted(name for name in known if name.startswith(wanted))
    fits = [name for name in begin if name == wanted] or begin
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise ConfigError(
            f"{wanted!r} begins several backups: {', '.join(fits)}", hint="Say more of the one you mean."
        )
    if any(wanted in catalog.unreadable for catalog in by_host.values()):
        raise Refused(f"the manifest of {wanted} cannot be read", hint="It does not count as a backup.")
    raise ConfigError(f"there is no backup {wanted!r}", hint="`inv backup.list` shows what there is.")


def list_(op: Operation) -> None:
    """Show everything in the backups' folders, newest first, what failed too."""
    columns = (
        "Host",
        "Backup",
        "State",
        "Created",
        "Age",
        Column("Size", lambda value: "" if value is None else size(value), right=True),
        "Release",
        Column("Proven", lambda value: value[:10] if value else ""),
        Column("Offsite", lambda value: value[:10]),
    )
    table = Rows(op, columns)

    def show_rows(came: Mapping[str, Catalog]) -> None:
        table.add([row for host, catalog in came.items() for row in _rows(op, host, catalog)])

    seen = look(op, lambda remote: run.catalog(op.context(remote)), show_rows, keepers(op))
    table.end(seen, "No backups yet.")
    conclude(seen)


def _rows(op: Operation, host: str, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for backup in sorted(catalog.backups, key=order, reverse=True):
        yield (
            host,
            backup.id,
            str(backup.state),
            backup.created,
            _age(op, backup),
            backup.size,
            backup.release or backup.commit[:12],
            backup.drill.at if backup.drill and backup.proven else "",
            "" if backup.offsite is None else backup.offsite.at if backup.offsite.passed else "FAILED",
        )
    for name in catalog.unreadable:
        yield (host, name, UNREADABLE, "", "", None, "", "", "")


def show(op: Operation, wanted: str) -> None:
    """Show all that is known of one backup. Which one is meant is known when every host was asked."""
    seen = look(op, lambda remote: run.catalog(op.context(remote)), fleet=keepers(op))
    wrong: list[OpsError] = []
    try:
        for share in _shares(op, seen.ok, pick(seen.ok, wanted)):
            _show(op, share.remote.name, share.backup)
    except OpsError as error:
        wrong.append(error)
    conclude(seen, *wrong)


def _show(op: Operation, host: str, backup: Manifest) -> None:
    op.ui.show(details((("Host", host), *facts(op, backup)), title=op.titled("", host)))
    files = tuple((file.name, file.size, file.sha256) for file in backup.files)
    columns = ("File", Column("Size", size, right=True), Column("SHA-256", key="sha256"))
    op.ui.show(Table(columns, files, op.titled("Files", host), empty="It holds no files."))
    if backup.rows:
        rows = tuple(sorted(backup.rows.items()))
        count = Column("Rows", lambda value: f"{value:,}", right=True)
        op.ui.show(Table(("Table", count), rows, op.titled("Rows", host)))


def facts(op: Operation, backup: Manifest) -> tuple[tuple[str, Any], ...]:
    """Return the properties of a backup; those that are not known are left out."""
    drill = backup.drill
    pairs = (
        ("Backup", backup.id),
        ("State", str(backup.state)),
        ("Error", backup.error),
        ("Location", f"{op.settings.directory}/{op.settings.backup.directory}/{backup.id}"),
        ("Created", f"{backup.created} ({_age(op, backup)})"),
        ("Took", duration(backup.seconds) if backup.seconds else ""),
        ("Size", size(backup.size) if backup.good else ""),
        ("Release", backup.release),
        ("Commit", backup.commit[:12]),
        (engine_of(backup.engine).title, backup.server),
        ("Migrations", ", ".join(backup.migrations)),
        ("Objects", backup.objects if backup.archive else ""),
        ("Verified", ", ".join(backup.verified)),
        ("Drill", f"{drill.result}, {drill.at}, {duration(drill.seconds)}" if drill else ""),
        ("Offsite", _offsite(backup)),
    )
    return tuple((label, value) for label, value in pairs if value != "")


def _offsite(backup: Manifest) -> str:
    copy = backup.offsite
    if copy is None:
        return ""
    return f"{copy.where}, {copy.at}" if copy.passed else f"FAILED {copy.at}: {copy.result}"


def _age(op: Operation, backup: Manifest) -> str:
    return age(datetime.fromisoformat(backup.created), op.clock.now())
