"""What `inv rollback` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedgen_ops.cli import hooking, post_mortem
from schedgen_ops.cli.locking import awaited
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.cli.restore import lost
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.ops import migrating
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, before, served_in_order, since
from schedgen_ops.rollback.at_once import AtOnce, ready
from schedgen_ops.rollback.data import RestoredData, of_release
from schedgen_ops.rollback.run import rollback as assemble
from schedgen_ops.swarm import crossing
from schedgen_ops.task_run import Operation


def rollback(op: Operation, to: str, revert: bool, restore: bool) -> None:
    """Go back, after asking, and say so when it is done.

    Args:
        revert: whether the migrations that came since are taken back.
        restore: whether the database is restored from the backup that was made while that release served.

    Raises:
        ConfigError: for both at once, and for the former where nothing reverts a migration.
        Refused: where there is nothing to go back to, or the answer was no.
    """
    if revert and restore:
        raise ConfigError("--revert-migrations and --restore-database exclude each other")
    on_swarm = op.settings.on_swarm
    if revert:
        migrating.way_back(op.settings)
    told: dict[str, object] = {"asked": to}
    hooks = hooking.of(op, "rollback", lock.myself(op.clock, "rollback", to).person, lambda: told)
    hooks.before("pre-connect")
    with hooks.ending():
        op.leave_out()
        awaited(op, begun=("rollback", "Rollback"))
    shelves = _shelves(op)
    target = _target(shelves, to)
    if on_swarm:
        for host, shelf in shelves.items():
            crossing.refuse(shelf.releases, target, host)
    serving = next(shelf.serving for shelf in shelves.values() if shelf.serving)
    # On a Swarm a manager has a job run, wherever that is placed.
    chosen = {*shelves} if on_swarm else {host.name for host in op.settings.migrating_hosts()}
    brought = [since(s.releases, target.id, s.current) for host, s in shelves.items() if host in chosen]
    migrations = max(brought, key=len, default=())
    data = _restored(op, shelves, target) if restore else None
    standing = {} if revert or data or on_swarm else ready(op.fleet, op.settings, shelves, target)
    if not op.ui.confirm(
        "Do you want to proceed with rollback?",
        *_notes(serving, target),
        *(_schema(migrations, revert) if data is None else _data(op, data)),
        yes=op.options.yes,
    ):
        raise Refused("nothing was changed")
    told |= {"asked": target.id, "previous": serving.id}
    decided = op.clock.monotonic()
    owner = lock.myself(op.clock, "rollback", target.id)
    means = (op.run, op.clock, op.emit, owner, op.patience)
    session = Session(op.settings, op.fleet, None, *means, balancer=op.balancer)
    session.agreed = {host: shelf.written for host, shelf in shelves.items()}
    if on_swarm:
        from schedgen_ops.cli import swarm
        from schedgen_ops.swarm.rollback import rollback as goes_back

        session = swarm.session(op, session)
    else:
        goes_back = assemble
    ordinary = goes_back(session, target.id, revert=revert and bool(migrations), data=data, decided=decided)
    run = AtOnce(session, shelves, standing, decided, ordinary) if standing else ordinary
    op.begin(
        "rollback",
        "Rollback",
        (("From", serving.id), ("To", f"{target.id} ({target.branch})")),
        tuple((step.number, step.title) for step in run.steps),
    )
    with post_mortem.explained(op, session), hooks.ending():
        release = run()
    told["release"] = release
    hooks.over("on-rollback")
    name = f", as {release}" if release != target.id else ""
    op.end("Rollback Complete", f"{target.id} serves again{name}", (("Release", release),))


def _notes(serving: Release, target: Release) -> tuple[str, ...]:
    return (
        "WARNING: This will rollback to the previous deployment",
        f"From {serving.id} ({serving.branch}) to {target.id} ({_named(target)})",
        f"Backup location: {serving.backup or 'none was made'}",
    )


def _named(release: Release) -> str:
    return ", ".join(filter(None, (release.branch, release.commit[:12])))


def _schema(migrations: tuple[str, ...], revert: bool) -> tuple[str, ...]:
    if not migrations:
        return ()
    what = "will be reverted" if revert else "stay, the older code must get on with them"
    return (f"Migrations since then {what}: {', '.join(migrations)}",)


def _restored(op: Operation, shelves: Mapping[str, store.Shelf], target: Release) -> RestoredData:
    if not op.settings.on_swarm:
        return of_release(op.context, op.settings, op.fleet, shelves, target.id)
    from schedgen_ops.cli.placing import placed
    from schedgen_ops.swarm import restored_data

    (shelf,) = shelves.values()
    return restored_data.of_release(op.nodes, op.context, placed(op), shelf, target.id)


def _data(op: Operation, data: RestoredData) -> Iterator[str]:
    for host, one in data.todo.items():
        yield f"{host}: the database will be that of {one.backup.id}, made {one.backup.created}"
        yield from lost(op, data.fleet[host], one.backup)
    yield "What is there now is kept beside it, until `inv backup.discard`"


def _target(shelves: Mapping[str, store.Shelf], to: str) -> Release:
    found = {host: _on(shelf, to) for host, shelf in shelves.items()}
    for host, release in found.items():
        if release is None:
            text = f"there is no release {to!r} to go back to" if to else "there is nothing to go back to"
            raise Refused(text, host=host, hint="`inv rollback.list` shows what there is.")
    targets = {release.id: release for release in found.values() if release is not None}
    if len(targets) != 1:
        raise ConfigError(
            f"the hosts would go back to different releases: {', '.join(sorted(targets))}",
            hint="Say which: inv rollback --to ID",
        )
    return next(iter(targets.values()))


def _on(shelf: store.Shelf, to: str) -> Release | None:
    if shelf.serving is None:
        return None
    if not to:
        return before(shelf.releases, shelf.serving)
    fits = [release for release in shelf.releases if release.good and release.id.startswith(to)]
    fits = [release for release in fits if release.id == to] or fits
    if len(fits) > 1:
        ids = ", ".join(release.id for release in fits)
        raise ConfigError(f"{to!r} begins several releases: {ids}", hint="Say more of the one you mean.")
    if fits and fits[0].id == shelf.current:
        raise Refused(f"release {shelf.current} already serves")
    return fits[0] if fits else None


def list_(op: Operation) -> None:
    """Show the releases that can be gone back to, newest first."""
    rows = Rows(op, ("Host", "Release", "Branch", "Commit", "Started"))

    def show(came: Mapping[str, store.Shelf]) -> None:
        on_swarm = op.settings.on_swarm
        rows.add([row for host, shelf in came.items() for row in _earlier(host, shelf, on_swarm=on_swarm)])

    seen = look(op, store.reader(op.settings), show)
    rows.end(seen, "Nothing to go back to.")
    conclude(seen)


def _earlier(host: str, shelf: store.Shelf, *, on_swarm: bool) -> Iterator[tuple[str, ...]]:
    for release in served_in_order(shelf.releases):
        gone = on_swarm and crossing.of_compose(shelf.releases, release)
        if release.good and release.id != shelf.current and not gone:
            yield (host, release.id, release.branch, release.commit[:12], release.started)


def _shelves(op: Operation) -> Mapping[str, store.Shelf]:
    shelves = op.fleet.each(store.reader(op.settings)).by_host()
    if not shelves:
        raise OpsError("no hosts")
    for host, shelf in shelves.items():
        store.certain(shelf, Paths(op.settings.directory), host)
    return shelves
