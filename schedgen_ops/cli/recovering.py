"""What `inv deploy.recover` and `deploy.catch-up` do with an operation: hosts brought to one release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops import events
from schedgen_ops.cli import halves, post_mortem
from schedgen_ops.cli.deploy import carry_out
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import recovering
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.release import agreement, store
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.release.store import Shelf
from schedgen_ops.rollback.run import rollback
from schedgen_ops.task_run import Operation


def catch_up(op: Operation, force: str = "") -> None:
    """Bring hosts to the release that serves on the others, newest by when it was begun.

    Raises:
        Refused: where nothing serves that they could be brought to.
    """
    op.leave_out()
    serving = {host: shelf.serving for host, shelf in _shelves(op).items()}
    known = [release for release in serving.values() if release]
    if not known:
        raise Refused("no release of ours serves on any of these hosts", hint="`inv deploy` makes one.")
    newest = max(known, key=lambda release: release.started)
    what = _deployed(newest)
    behind = [name for name, each in serving.items() if each is None or _deployed(each) != what]
    if not behind:
        events.info(op.emit, f"Every host serves {newest.version[:12]}: there was nothing to catch up with")
        return
    op.fleet = op.fleet.only(behind)
    told = ("Behind", ", ".join(behind))
    carry_out(op, op.settings, Ref(what), assemble, told, force=force)


def _deployed(release: Release) -> str:
    """What is asked for to get a release again: its commit, or its tag of images."""
    return release.commit or release.tag


def recover(op: Operation) -> None:
    """Take back what an interrupted run left, on every host, and what not all hosts of its run kept."""
    op.begin("recover", "Recovery", steps=(("", "Pre-flight Checks"),))
    session = _session(op, op.fleet.names)
    # What is half exchanged on the chosen hosts is put back; on another one, nobody here may be started.
    # On a Swarm the node that has the data is put right too.
    if not op.settings.on_swarm:
        halves.refuse_beside(op, op.fleet)
    recovering.recover(session)
    righted = [
        f"{op.titled(host_run.righted, host_run.remote.name)}"
        for host_run in session.host_runs
        if host_run.righted
    ]
    serves = session.previous
    shelves = _shelves(op) if len(op.fleet) > 1 else {}
    if found := agreement.disagreement(shelves):
        _take_back(op, found, shelves)
        righted.append(f"{found.release} was taken back on {', '.join(found.serving)} too")
        serves = ", ".join(sorted({shelf.current for shelf in _shelves(op).values()} - {""}))
    done = "; ".join(righted) or "nothing was left to put right"
    op.end("Recovery Complete", f"{done}; {serves or 'nothing that was deployed'} serves")


def _take_back(op: Operation, found: agreement.Disagreement, shelves: Mapping[str, Shelf]) -> None:
    """Go back from a release on the hosts where it serves, to what each had before.

    Args:
        shelves: what each host has of releases, by its name.

    Raises:
        OpsError: where that cannot be.
    """
    together: dict[ReleaseId, list[str]] = {}
    for host in found.serving:
        before = agreement.before(shelves[host])
        if before is None:
            hint = "`inv deploy.catch-up` brings the others to it."
            raise Refused(f"{found}; there is nothing to go back to", host=host, hint=hint)
        together.setdefault(before.id, []).append(host)
    events.warn(op.emit, f"{found}: it is taken back")
    for release, hosts in together.items():
        session = _session(op, hosts)
        # Nobody else may have come between.
        session.agreed = {host: shelves[host].written for host in hosts}
        with post_mortem.explained(op, session):
            rollback(session, release)()


def _shelves(op: Operation) -> Mapping[str, Shelf]:
    return op.fleet.each(store.reader(op.settings)).by_host()


def _session(op: Operation, hosts: Sequence[str]) -> Session:
    owner = lock.myself(op.clock, "recover", "")
    fleet = op.fleet.only(hosts)
    told = (op.run, op.clock, op.emit, owner, op.patience)
    session = Session(op.settings, fleet, None, *told, balancer=op.balancer)
    if op.settings.on_swarm:
        from schedgen_ops.cli import swarm
        from schedgen_ops.swarm.move_session import RightingSession

        return swarm.session_of(op, session, RightingSession)
    return session
