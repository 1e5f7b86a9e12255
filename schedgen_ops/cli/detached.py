"""What `inv verify.extended --detach`, `verify.report` and `verify.stop` do with an operation."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from schedgen_ops import events
from schedgen_ops.cli import extended
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import CommandFailed, ConfigError, OpsError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.notify.host_webhook import webhook
from schedgen_ops.preflight.host import NO_CURL
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.task_run import Operation
from schedgen_ops.watch import detached
from schedgen_ops.watch.kept import Kept
from schedgen_ops.watch.watcher import begin

_START, _FETCH = 90.0, 600.0
_HELD = 7


def detach(op: Operation, seconds: int, *, detach: bool, replaces: bool) -> None:
    """Start a watch on every host that goes on by itself for `seconds`; 0 takes the configured time.

    Args:
        detach: whether that was asked for, as it has to be.
        replaces: whether a watch that goes on there is ended first.

    Raises:
        ConfigError: for options that mean nothing.
        Refused: where a host is watched already.
    """
    if not detach:
        raise ConfigError("--replace is for --detach")
    seconds = extended.asked(op, seconds)
    state = Paths(op.settings.directory).state
    me = lock.myself(op.clock, "verify", "")
    told = {"user": me.user, "machine": me.machine, "since": me.since}
    op.begin("verify", "Extended verification, detached", extended.planned(seconds, op.settings.limits))

    found = webhook(op.settings, os.environ, lambda text: events.warn(op.emit, text))

    def start(remote: Remote) -> None:
        stats = begin(op.context(remote), seconds)
        docker = Docker(op.settings.sudo)
        command = detached.start(
            docker,
            op.settings.project,
            state,
            stats,
            told,
            replaces=replaces,
            webhook=found,
            whose=f"{op.settings.environment} {remote.name}, watched by itself",
        )
        answer = remote.run(command, deadline=_START, check=False)
        if answer.code == _HELD:
            raise Refused(
                f"{detached.whose(answer.stdout)} watches this host already",
                host=remote.name,
                hint="`inv verify.report` has what was seen; --replace ends that watch and begins anew.",
            )
        if not answer.ok:
            said = answer.stderr.strip()
            raise CommandFailed("the watch did not begin", code=answer.code, host=remote.name, detail=said)
        if "no curl" in answer.lines():
            events.warn(op.emit, NO_CURL, remote.name)
        events.info(op.emit, f"Watches by itself for {seconds}s", remote.name)

    seen = look(op, start)
    conclude(seen)
    op.end(
        "Watch Started",
        "The hosts watch on; `inv verify.report` has what they saw, `inv status` how it stands",
    )


def report(op: Operation) -> None:
    """Fetch what the hosts have kept of a watch, tell of it, and leave the report.

    Raises:
        Refused: where a host was never watched.
        VerificationFailed: where the limits were exceeded, or nothing can be said.
    """
    op.begin("verify", "Report of the detached watch")
    seen = look(op, lambda remote: _kept(op, remote))
    if not seen.ok:
        conclude(seen)
    goes_on = False
    for host, kept in seen.ok.items():
        text = kept.conclude()
        goes_on = goes_on or kept.alive
        if text:
            (events.info if kept.alive else events.warn)(op.emit, text[0].upper() + text[1:], host)
    first = min(seen.ok.values(), key=lambda kept: kept.began)
    began = f"{datetime.fromtimestamp(first.began, UTC):%Y-%m-%d %H:%M:%S} UTC"
    stats = {host: kept.stats for host, kept in seen.ok.items()}
    facts = extended.planned(first.stats.rounds.duration, first.stats.limits)
    rounds, path = extended.report_all(op, stats, facts, began)
    conclude(seen, *extended.failed(stats, path))
    so_far = " so far; the watch goes on" if goes_on else ""
    title = "Verification So Far" if goes_on else "Verification Complete"
    op.end(title, f"{rounds} within the limits{so_far}", (("Report", str(path)),) if path else ())


def _kept(op: Operation, remote: Remote) -> Kept:
    kept = Kept()
    command = detached.look(Paths(op.settings.directory).state, samples=True)
    try:
        remote.stream(command, kept.feed, deadline=_FETCH)
    except ValueError as error:
        raise OpsError(f"what the watch kept cannot be read: {error}", host=remote.name) from None
    if not kept.there:
        raise Refused(
            "there is no detached watch",
            host=remote.name,
            hint="`inv verify.extended --detach` starts one.",
        )
    return kept


def stop(op: Operation) -> None:
    """End the watch on every host; one that is over is no error."""
    state = Paths(op.settings.directory).state
    op.begin("verify", "End of the detached watch")

    def end(remote: Remote) -> None:
        said = remote.run(detached.stop(state), deadline=_START).lines()
        text = "There is no detached watch" if "none" in said else "The watch is ended"
        events.info(op.emit, text, remote.name)

    seen = look(op, end)
    conclude(seen)
    op.end("Watch Ended", "No host watches itself any more; `inv verify.report` has what was seen")
