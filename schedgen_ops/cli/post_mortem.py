"""What doctor says of a run that failed, between what the run told and the error that it ends with.

The error is what an operator reads last: it stays as it is, and has the commands that doctor found below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from schedgen_ops import events
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError, Overruled, RolledBack
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural
from schedgen_ops.this_machine import NAME

# A run that goes well does not need them.
if TYPE_CHECKING:
    from schedgen_ops.doctor.cause import Diagnosis

    Findings = Mapping[str, tuple[Diagnosis, ...]]

_CODES = (RolledBack.exit_code, OpsError.exit_code)
_EVIDENCE = 3


@contextmanager
def explained(op: Operation, session: Session) -> Iterator[None]:
    """Ask doctor on the hosts of a run that fails, should the block end so; the failure goes on as it is."""
    try:
        yield
    except Exception as error:
        if _wanted(error):
            # Not even a defect of ours may take the place of what ended the run.
            with suppress(Exception):
                _explain(op, session, error)
        raise


def _wanted(error: Exception) -> bool:
    """Not where somebody else is at work on the hosts, nor where an operator left the run in its middle."""
    left = isinstance(error.__cause__, KeyboardInterrupt)
    return (
        getattr(error, "exit_code", OpsError.exit_code) in _CODES
        and not isinstance(error, Overruled)
        and not left
    )


def _explain(op: Operation, session: Session, error: Exception) -> None:
    from schedgen_ops.doctor import failed_run

    seen = _seen(op)
    if seen is None:
        return
    failure = error if isinstance(error, OpsError) else OpsError(str(error))
    migrated = any(host_run.new.migrations for host_run in session.host_runs if host_run.new)
    blank = {host_run.remote.name for host_run in session.host_runs if host_run.seen.blank}
    found = {
        host: failed_run.not_left_by(failure, each, migrated=migrated, blank=host in blank)
        for host, each in seen.items()
    }
    # What failed here is no host's fault, and nothing that is done there mends it.
    spoken = failed_run.spoken_of(failure) if failure.host != NAME else None
    if spoken is not None:
        only = next(iter(found)) if len(found) == 1 else ""
        where = failure.host if failure.host in found else only
        found = {**({} if where else {"": ()}), **found}
        found[where] = (spoken, *found[where])
    _tell(op, found)
    op.ui.remedies = tuple(_remedies(found))


def _seen(op: Operation) -> Findings | None:
    """What doctor finds on the hosts; None where a signal says that nobody waits for it."""
    from schedgen_ops.doctor import post_mortem

    # The lock is given back by now, so that its gate may be closed; a look changes nothing.
    on_swarm = op.settings.on_swarm
    fleet = op.nodes if on_swarm else op.fleet
    hosts = [op.context(host.remote) for host in fleet]
    text = f"Doctor looks for causes on {', '.join(fleet.names)}, at most {post_mortem.SECONDS:g} s"
    with suppress(KeyboardInterrupt), INTERRUPTS.heard():
        events.info(op.emit, text)
        ask = post_mortem.look_at_swarm if on_swarm else post_mortem.look
        return ask(hosts, post_mortem.SECONDS)
    return None


def _tell(op: Operation, found: Findings) -> None:
    for host, each in found.items():
        for one in each:
            if one.known:
                events.warn(op.emit, _sentence(one), host)
        if unknown := [one for one in each if not one.known]:
            events.warn(op.emit, _unknown(unknown), host)
        op.emit(events.Fact("doctor", [one.told for one in each], host))
    well = [host for host, each in found.items() if host and not each]
    if well:
        text = f"Doctor finds nothing wrong with {plural(len(well), 'host')} as of now: {', '.join(well)}"
        events.info(op.emit, text)


def _sentence(one: Diagnosis) -> str:
    fix = (f"fix: {one.fix}",) if one.fix else ()
    return "\n".join((f"Doctor finds {one.cause}: {one.text}", *fix, *one.evidence[:_EVIDENCE]))


def _unknown(unknown: list[Diagnosis]) -> str:
    from schedgen_ops.doctor.post_mortem import NOT_ASKED

    first = unknown[0]
    if first.cause == NOT_ASKED:
        return f"Doctor did not look at this host: {first.text}"
    return f"Doctor could not look for {', '.join(dict.fromkeys(one.cause for one in unknown))}"


def _remedies(found: Findings) -> Iterator[str]:
    """What is to do, once for each command, with what it mends."""
    why: dict[str, list[str]] = {}
    for host, each in found.items():
        for one in each:
            if one.known and one.fix:
                why.setdefault(one.fix, []).append(_where(one, host, len(found)))
    for fix, causes in why.items():
        yield f"{fix} ({', '.join(dict.fromkeys(causes))})"


def _where(one: Diagnosis, host: str, hosts: int) -> str:
    return f"{one.cause} on {host}" if host and hosts > 1 else one.cause
