"""What `inv verify` does with an operation."""

from __future__ import annotations

from schedgen_ops import events
from schedgen_ops.errors import ConfigError, VerificationFailed
from schedgen_ops.operation import Operation
from schedgen_ops.remote import Remote
from schedgen_ops.ui.tables import Column, Table
from schedgen_ops.verify import plan, run, watch


def quick(op: Operation) -> None:
    """One round of checks on every host.

    Raises:
        VerificationFailed: when one did not pass.
    """
    settings = op.settings
    findings = op.fleet.each(lambda remote: run.quick(remote, settings)).values()
    rows = tuple(
        (remote.name, finding.check, str(finding.verdict), finding.text)
        for remote, found in zip(op.fleet.hosts, findings, strict=True)
        for finding in found
    )
    op.ui.show(Table(("Host", "Check", Column("Verdict"), "Result"), rows))
    failed = [row for row in rows if row[2] != plan.Verdict.PASSED]
    if failed:
        raise VerificationFailed(
            f"{len(failed)} of {len(rows)} checks did not pass",
            detail="\n".join(f"{host}: {check}: {text}" for host, check, _, text in failed),
            hint="`docker compose logs SERVICE` on the host tells why.",
        )


def extended(op: Operation, duration: int) -> None:
    """Rounds of checks on every host for `duration` seconds; 0 takes the configured one.

    Raises:
        VerificationFailed: when the limits were exceeded.
    """
    if duration < 0:
        raise ConfigError("--duration is a number of seconds above 0")
    settings = op.settings
    seconds = duration or settings.watch.duration
    limits = settings.limits
    facts = (
        ("Duration", f"{seconds}s"),
        ("Limits", f"{limits.error_percent:g}% errors, {limits.consecutive_failures} consecutive failures"),
    )
    op.begin("verify", "Extended verification", facts)
    tallies = op.fleet.each(lambda remote: _watch(op, remote, seconds)).values()
    verdicts = [
        (remote.name, tally.verdict(limits), tally)
        for remote, tally in zip(op.fleet.hosts, tallies, strict=True)
    ]
    bad = [(host, verdict, tally) for host, verdict, tally in verdicts if verdict]
    if bad:
        raise VerificationFailed(
            "; ".join(verdict for _, verdict, _ in bad),
            host=", ".join(host for host, _, _ in bad),
            detail="\n".join(f"{f.check}: {f.text}" for _, _, tally in bad for f in tally.last),
            hint="`inv rollback` goes back to the release before; `inv verify.quick` checks once more.",
        )
    op.end("Verification Complete", f"{sum(t.checks for t in tallies)} checks within the limits")


def _watch(op: Operation, remote: Remote, seconds: int) -> watch.Tally:
    def tell(tally: watch.Tally) -> None:
        events.info(op.emit, tally.line(), remote.name)

    return run.extended(remote, op.settings, seconds, tell)
