"""What the tasks of `inv verify` that look once do with an operation."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops import events
from schedgen_ops.errors import VerificationFailed
from schedgen_ops.operation import Operation
from schedgen_ops.remote import Remote
from schedgen_ops.ui.tables import Column, Table
from schedgen_ops.ui.text import duration
from schedgen_ops.verify import checks, flow, logs, plan, run

# A host and one of its findings.
Row = tuple[str, plan.Finding]


def everything(op: Operation) -> None:
    """All checks on every host, the flow, and the measurements.

    Raises:
        VerificationFailed: when one did not pass.
    """
    op.begin("verify", "Verification")
    rows = _look(op, checks.GROUPS)
    _tell(op, "Looked at services, endpoints, migrations, queue, targets and logs", rows)
    tried = _flow(op)
    if tried:
        _tell(op, "Followed an upload to its end", tried)
    measured = _each(op, lambda remote: run.measure(remote, op.settings))
    _tell(op, "Measured response times and use", measured)
    rows += tried + measured
    _conclude(op, rows)
    op.end("Verification Complete", f"{len(rows)} checks passed")


def only(op: Operation, *groups: str) -> None:
    """The checks of these groups on every host.

    Raises:
        VerificationFailed: when one did not pass.
    """
    _conclude(op, _look(op, groups))


def quick(op: Operation) -> None:
    """Services and endpoints, in one round trip to every host.

    Raises:
        VerificationFailed: when one did not pass.
    """
    _conclude(op, _each(op, lambda remote: run.quick(remote, op.settings)))


def try_flow(op: Operation) -> None:
    """An upload followed to its end.

    Raises:
        VerificationFailed: when it did not end well.
    """
    _conclude(op, _flow(op))


def performance(op: Operation) -> None:
    """Response times and use, measured.

    Raises:
        VerificationFailed: when a limit is exceeded.
    """
    _conclude(op, _each(op, lambda remote: run.measure(remote, op.settings)))


def show_logs(op: Operation) -> None:
    """Errors and warnings since the deploy, by pattern: new ones first.

    Raises:
        VerificationFailed: when there are errors that should not be.
    """
    settings = op.settings
    digests = op.fleet.each(lambda remote: run.digest(remote, settings)).values()
    rows = tuple(
        (host, group.level, group.new, group.count, group.service, group.example, group.pattern)
        for host, digest in zip(op.fleet.names, digests, strict=True)
        for group in digest.groups
    )
    columns = (
        "Host",
        "Level",
        Column("New", lambda new: {True: "new", False: "", None: "?"}[new]),
        Column("Lines", right=True),
        "Service",
        Column("One of them", key="example"),
        Column("", lambda _: "", key="pattern"),
    )
    ago = max(digest.seconds for digest in digests)
    op.ui.show(Table(columns, rows, empty=f"No errors and no warnings in {duration(ago)}."))
    found = [
        (host, logs.finding(digest, settings.verify.logs))
        for host, digest in zip(op.fleet.names, digests, strict=True)
    ]
    _refuse(found)


def _look(op: Operation, groups: Sequence[str]) -> list[Row]:
    return _each(op, lambda remote: run.look(remote, op.settings, groups, _deadline(op, groups)))


def _deadline(op: Operation, groups: Sequence[str]) -> float:
    """As long as the slowest of them may take."""
    slow = op.settings.migrations.deadline if op.settings.migrations and "migrations" in groups else 0
    return float(max(run.DEADLINE, slow))


def _flow(op: Operation) -> list[Row]:
    wanted = op.settings.verify.flow
    if wanted is None:
        return []

    def share(remote: Remote) -> run.Findings:
        if not op.settings.host(remote.name).runs(wanted.service):
            return ()
        return flow.Try(remote, op.fleet, op.settings, wanted)()

    return _each(op, share)


def _each(op: Operation, action: run.Look) -> list[Row]:
    found = op.fleet.each(action).values()
    return [(host, finding) for host, part in zip(op.fleet.names, found, strict=True) for finding in part]


def _tell(op: Operation, what: str, rows: Sequence[Row]) -> None:
    bad = len(plan.failed(finding for _, finding in rows))
    tell = events.warn if bad else events.info
    tell(op.emit, f"{what}: {len(rows) - bad} of {len(rows)} checks passed")


def _conclude(op: Operation, rows: Sequence[Row]) -> None:
    cells = tuple((host, found.check, str(found.verdict), found.text) for host, found in rows)
    op.ui.show(
        Table(("Host", "Check", "Verdict", "Result"), cells, empty="Nothing to look at is configured.")
    )
    _refuse(rows)


def _refuse(rows: Sequence[Row]) -> None:
    """Ends with exit code 6 unless everything passed: what is unknown did not."""
    bad = [(host, found) for host, found in rows if found.verdict is not plan.Verdict.PASSED]
    if not bad:
        return
    unknown = sum(found.verdict is plan.Verdict.UNKNOWN for _, found in bad)
    how = f", {unknown} of them unknown" if unknown else ""
    raise VerificationFailed(
        f"{len(bad)} of {len(rows)} checks did not pass{how}",
        detail="\n".join(f"{host}: {found.check} {found.verdict}: {found.text}" for host, found in bad),
        hint="`inv verify.logs` shows what the services say; `inv rollback` goes back to the release before.",
    )
