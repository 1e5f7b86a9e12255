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
from schedgen_ops.task_run import Operation, log_folder
from schedgen_ops.text import duration, plural
from schedgen_ops.ui import report as pages
from schedgen_ops.verify.panel import panel
from schedgen_ops.verify.vigil import Vigil, account
from schedgen_ops.verify.watch import Account


def extended(op: Operation, seconds: int) -> None:
    """Watches every host for `seconds` (0 takes the configured time), and leaves a report.

    Ctrl-C ends it early, with the verdict on what was seen.

    Raises:
        VerificationFailed: when the limits were exceeded, or nothing can be said.
    """
    if seconds < 0:
        raise ConfigError("--duration is a number of seconds above 0")
    settings = op.settings
    seconds = seconds or settings.watch.duration
    limits = settings.limits
    facts = (
        ("Duration", f"{seconds}s"),
        ("Limits", f"{limits.error_percent:g}% errors, {limits.consecutive_failures} consecutive failures"),
    )
    op.begin("verify", "Extended verification", facts)
    accounts = {remote.name: account(remote, settings, seconds) for remote in op.fleet}
    ended = threading.Event()
    seen: Outcomes[Any]
    try:
        seen = look(op, lambda remote: _watch(op, remote, accounts[remote.name], ended), lambda _: None)
        accounts = {host: one for host, one in accounts.items() if host in seen.ok or one.tally.seen}
    except KeyboardInterrupt:
        ended.set()
        past = max(account.tally.elapsed for account in accounts.values())
        events.warn(op.emit, f"Ended from the keyboard after {past}s of {seconds}s: the verdict so far")
        seen = Outcomes(accounts)
    if not accounts:
        conclude(seen)
    rounds, path = _report_all(op, accounts, facts)
    conclude(seen, *_failed(accounts, path))
    op.end("Verification Complete", f"{rounds} within the limits", (("Report", str(path)),) if path else ())


def _watch(op: Operation, remote: Remote, seen: Account, ended: threading.Event) -> None:
    def tell(text: str) -> None:
        if text:
            events.warn(op.emit, text, remote.name)
        else:
            op.emit(panel(seen, remote.name))

    Vigil(remote, op.settings, seen, op.clock, ended.wait, tell)()


def _report_all(
    op: Operation, accounts: dict[str, Account], facts: tuple[tuple[str, str], ...]
) -> tuple[str, Path | None]:
    """The checks of all hosts in words, and the file of the report on them."""
    for host, seen in accounts.items():
        op.emit(events.Fact("watch", watch_report.facts(seen), host))
        for text in seen.warnings():
            events.warn(op.emit, text, host)
    rounds = plural(sum(seen.tally.checks for seen in accounts.values()), "check")
    return rounds, _report(op, accounts, facts)


def _failed(accounts: dict[str, Account], path: Path | None) -> Iterator[VerificationFailed]:
    failed = [(host, text) for host, seen in accounts.items() for text in seen.failures()]
    unknown = [(host, seen.unknown()) for host, seen in accounts.items() if seen.unknown()]
    if failed or unknown:
        bad = failed or unknown
        lines = [f"{found.check}: {found.text}" for seen in accounts.values() for found in seen.tally.last]
        yield VerificationFailed(
            "; ".join(text for _, text in bad),
            host=", ".join(dict.fromkeys(host for host, _ in bad)),
            detail="\n".join([*lines, *([f"Report: {path}"] if path else [])]),
            hint="`inv rollback` goes back to the release before; `inv verify` looks once more.",
        )


def _report(op: Operation, accounts: dict[str, Account], facts: tuple[tuple[str, str], ...]) -> Path | None:
    """The report's file; without a disk to write to, the verdict stands all the same."""
    watched = max(seen.tally.elapsed for seen in accounts.values())
    rows = (
        ("Environment", op.settings.environment),
        ("Began", f"{op.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("Watched", duration(watched)),
        *facts,
    )
    page = watch_report.report(f"Extended verification of {op.settings.environment}", rows, accounts)
    path = log_folder(op.settings.environment) / f"verify-{op.run}.html"
    try:
        return pages.write(page, path)
    except OSError as error:
        events.warn(op.emit, f"the report cannot be written: {error}")
        return None
