"""What `inv verify.extended` does with an operation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schedgen_ops import events
from schedgen_ops.cli import watch_report
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.errors import ConfigError, VerificationFailed
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Limits
from schedgen_ops.task_run import Operation, log_folder
from schedgen_ops.text import duration, plural
from schedgen_ops.ui import report as pages
from schedgen_ops.watch.panel import panel
from schedgen_ops.watch.stats import WatchStats
from schedgen_ops.watch.watcher import Watcher, begin


def asked(op: Operation, seconds: int) -> int:
    """Return how many seconds to watch; 0 takes the configured time.

    Raises:
        ConfigError: for less.
    """
    if seconds < 0:
        raise ConfigError("--duration is a number of seconds above 0")
    return seconds or op.settings.watch.duration


def planned(seconds: int, limits: Limits) -> tuple[tuple[str, str], ...]:
    """Return what is planned, in lines of the run's head and of the report."""
    return (
        ("Duration", f"{seconds}s"),
        ("Limits", f"{limits.error_percent:g}% errors, {limits.consecutive_failures} consecutive failures"),
    )


def extended(op: Operation, seconds: int) -> None:
    """Watch every host for `seconds` (0 takes the configured time), and leave a report.

    Ctrl-C ends it early, with the verdict on what was seen.

    Raises:
        VerificationFailed: when the limits were exceeded, or nothing can be said.
    """
    seconds = asked(op, seconds)
    facts = planned(seconds, op.settings.limits)
    op.begin("verify", "Extended verification", facts)
    by_host = {remote.name: begin(op.context(remote), seconds) for remote in op.fleet}
    ended = threading.Event()
    seen: Outcomes[Any]
    try:
        seen = look(op, lambda remote: _watch(op, remote, by_host[remote.name], ended))
        by_host = {host: one for host, one in by_host.items() if host in seen.ok or one.rounds.seen}
    except KeyboardInterrupt:
        ended.set()
        past = max(stats.rounds.elapsed for stats in by_host.values())
        events.warn(op.emit, f"Ended from the keyboard after {past}s of {seconds}s: the verdict so far")
        seen = Outcomes(by_host)
    if not by_host:
        conclude(seen)
    rounds, path = report_all(op, by_host, facts)
    conclude(seen, *failed(by_host, path))
    op.end("Verification Complete", f"{rounds} within the limits", (("Report", str(path)),) if path else ())


def _watch(op: Operation, remote: Remote, seen: WatchStats, ended: threading.Event) -> None:
    def tell(text: str) -> None:
        if text:
            events.warn(op.emit, text, remote.name)
        else:
            op.emit(panel(seen, remote.name))

    Watcher(op.context(remote), seen, ended.wait, tell)()


def report_all(
    op: Operation, by_host: dict[str, WatchStats], facts: tuple[tuple[str, str], ...], began: str = ""
) -> tuple[str, Path | None]:
    """Tell of all hosts; return their checks in words, and the file of the report on them.

    Args:
        began: when the watch did, if not with this run.
    """
    for host, seen in by_host.items():
        op.emit(events.Fact("watch", watch_report.facts(seen), host))
        for text in seen.warnings():
            events.warn(op.emit, text, host)
    rounds = plural(sum(seen.rounds.checks for seen in by_host.values()), "check")
    return rounds, _report(op, by_host, facts, began)


def failed(by_host: dict[str, WatchStats], path: Path | None) -> Iterator[VerificationFailed]:
    """Return what ends with exit code 6: limits that were exceeded, or that nothing can be said."""
    bad = [(host, text) for host, seen in by_host.items() for text in seen.failures()]
    unknown = [(host, seen.unknown()) for host, seen in by_host.items() if seen.unknown()]
    if bad or unknown:
        bad = bad or unknown
        lines = [f"{found.check}: {found.text}" for seen in by_host.values() for found in seen.rounds.last]
        yield VerificationFailed(
            "; ".join(text for _, text in bad),
            host=", ".join(dict.fromkeys(host for host, _ in bad)),
            detail="\n".join([*lines, *([f"Report: {path}"] if path else [])]),
            hint="`inv rollback` goes back to the release before; `inv verify` looks once more.",
        )


def _report(
    op: Operation, by_host: dict[str, WatchStats], facts: tuple[tuple[str, str], ...], began: str
) -> Path | None:
    """The report's file; without a disk to write to, the verdict stands all the same."""
    watched = max(seen.rounds.elapsed for seen in by_host.values())
    rows = (
        ("Environment", op.settings.environment),
        ("Began", began or f"{op.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Watched", duration(watched)),
        *facts,
    )
    page = watch_report.report(f"Extended verification of {op.settings.environment}", rows, by_host)
    path = log_folder(op.settings.environment) / f"verify-{op.run}.html"
    try:
        return pages.write(page, path)
    except OSError as error:
        events.warn(op.emit, f"the report cannot be written: {error}")
        return None
