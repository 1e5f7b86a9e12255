"""What the tasks of `inv verify` that look once do with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from schedgen_ops import events
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.errors import CommandFailed, VerificationFailed
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.task_run import Operation
from schedgen_ops.text import duration
from schedgen_ops.ui.tables import Column
from schedgen_ops.verify import checks, logs, run
from schedgen_ops.watch import rules

# A host and one of its findings.
Row = tuple[str, rules.Finding]
_COLUMNS = ("Host", "Check", "Verdict", "Result")


def everything(op: Operation) -> None:
    """Make all checks on every host, then try the flow, then measure.

    Raises:
        VerificationFailed: when one did not pass.
    """
    op.begin("verify", "Verification")
    findings = Findings(op)
    findings.look(_checks(op, checks.GROUPS), "Looked at what is configured")
    findings.look(_flow(op), "Followed an upload to its end")
    findings.look(run.measure, "Measured response times and use")
    findings.conclude()
    passed = f"{len(findings.rows)} checks passed" if findings.rows else "nothing was looked at"
    op.end("Verification Complete", passed)


def only(op: Operation, *groups: str) -> None:
    """Make the checks of these groups on every host.

    Raises:
        VerificationFailed: when one did not pass.
    """
    _once(op, _checks(op, groups))


def quick(op: Operation) -> None:
    """Check services and endpoints, in one round trip to every host.

    Raises:
        VerificationFailed: when one did not pass.
    """
    _once(op, run.quick)


def try_flow(op: Operation) -> None:
    """Follow an upload to its end.

    Raises:
        VerificationFailed: when it did not end well.
    """
    _once(op, _flow(op))


def performance(op: Operation) -> None:
    """Measure response times and use.

    Raises:
        VerificationFailed: when a limit is exceeded.
    """
    _once(op, run.measure)


def show_logs(op: Operation) -> None:
    """Show errors and warnings since the deploy, by pattern: new ones first.

    Raises:
        VerificationFailed: when there are errors that should not be.
    """
    settings = op.settings
    rows = Rows(
        op,
        (
            "Host",
            "Level",
            Column("New", lambda new: {True: "new", False: "", None: "?"}[new]),
            Column("Lines", right=True),
            "Service",
            Column("One of them", key="example"),
            Column("", lambda _: "", key="pattern"),
        ),
    )

    def show(digests: Mapping[str, logs.Digest]) -> None:
        rows.add([row for host, digest in digests.items() for row in _lines(host, digest)])

    seen = look(op, lambda remote: _digest(op.context(remote)), show)
    ago = max((digest.seconds for digest in seen.ok.values()), default=0)
    rows.end(seen, f"No errors and no warnings in {duration(ago)}.")
    found = [(host, logs.finding(digest, settings.verify.logs)) for host, digest in seen.ok.items()]
    conclude(seen, *_refusals(found))


def _digest(host: HostContext) -> logs.Digest:
    try:
        return run.digest(host)
    except (CommandFailed, ValueError) as error:
        why, detail = getattr(error, "message", "no answer"), getattr(error, "detail", "")
        text = f"the logs could not be looked at: {why}"
        raise VerificationFailed(text, host=host.name, detail=detail) from error


def _lines(host: str, digest: logs.Digest) -> Iterator[tuple[object, ...]]:
    for service, driver in digest.unread:
        why = f"cannot be read: logging driver {driver}" if driver else "cannot be read"
        yield (host, "unknown", None, None, service, why, "")
    for group in digest.groups:
        yield (host, group.level, group.new, group.count, group.service, group.example, group.pattern)


def _checks(op: Operation, groups: Sequence[str]) -> run.Look:
    return lambda host: run.look(host, groups, _deadline(op, groups))


def _deadline(op: Operation, groups: Sequence[str]) -> float:
    """As long as the slowest of them may take."""
    slow = op.settings.migrations.deadline if op.settings.migrations and "migrations" in groups else 0
    return float(max(run.DEADLINE, slow))


def _flow(op: Operation) -> run.Look:
    wanted = op.settings.verify.flow

    def share(host: HostContext) -> run.Findings:
        if wanted is None or not host.entry.runs(wanted.service):
            return ()
        from schedgen_ops.verify import flow

        return flow.Try(host, op.fleet, wanted)()

    return share


@dataclass(slots=True)
class Findings:
    """What the hosts were found to be like, shown as they answer.

    Attributes:
        rows: all findings so far.
        seen: the hosts that answered so far, and why the others did not.
    """

    op: Operation
    rows: list[Row] = field(default_factory=list)
    seen: Outcomes[run.Findings] | None = None
    _table: Rows = field(init=False)

    def __post_init__(self) -> None:
        self._table = Rows(self.op, _COLUMNS)

    def look(self, action: run.Look, done: str = "") -> None:
        """Look at every host that was not missing before.

        Args:
            done: what was done then, in words, if that is to be told.
        """
        before, first = self.seen, len(self.rows)
        fleet = self.op.fleet if before is None else self.op.fleet.only(tuple(before.ok))
        context = _asked(self.op)
        seen = look(self.op, lambda remote: action(context(remote)), self._show, fleet)
        self.seen = replace(seen, errors={**(before.errors if before else {}), **seen.errors})
        if done and len(self.rows) > first:
            _tell(self.op, done, self.rows[first:])

    def _show(self, came: Mapping[str, run.Findings]) -> None:
        rows = [(host, finding) for host, findings in came.items() for finding in findings]
        self.rows += rows
        self._table.add([(host, found.check, str(found.verdict), found.text) for host, found in rows])

    def conclude(self) -> None:
        """Raise what did not pass, and the hosts that are missing."""
        assert self.seen is not None
        self._table.end(self.seen, "Nothing to look at is configured.")
        conclude(self.seen, *_refusals(self.rows))


def _asked(op: Operation) -> ContextOf:
    """What is asked of hosts: on a Swarm nothing at ports that are to answer nobody, which is told."""
    if not op.settings.on_swarm:
        return op.context
    from schedgen_ops.swarm import shut

    context = shut.closing(op.nodes, op.context)
    for remote in op.fleet.hosts:
        shut.tell(context(remote))
    return context


def _once(op: Operation, action: run.Look) -> None:
    findings = Findings(op)
    findings.look(action)
    findings.conclude()


def _tell(op: Operation, what: str, rows: Sequence[Row]) -> None:
    bad = len(rules.failed(finding for _, finding in rows))
    tell = events.warn if bad else events.info
    tell(op.emit, f"{what}: {len(rows) - bad} of {len(rows)} checks passed")


def _refusals(rows: Sequence[Row]) -> Iterator[VerificationFailed]:
    """What ends with exit code 6 unless everything passed: what is unknown did not."""
    bad = [(host, found) for host, found in rows if found.verdict is not rules.CheckVerdict.PASSED]
    if not bad:
        return
    unknown = sum(found.verdict is rules.CheckVerdict.UNKNOWN for _, found in bad)
    how = f", {unknown} of them unknown" if unknown else ""
    yield VerificationFailed(
        f"{len(bad)} of {len(rows)} checks did not pass{how}",
        detail="\n".join(f"{host}: {found.check} {found.verdict}: {found.text}" for host, found in bad),
        hint="`inv verify.logs` shows what the services say; `inv rollback` goes back to the release before.",
    )
