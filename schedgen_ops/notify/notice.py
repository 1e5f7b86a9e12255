"""What the team is told of a run, as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schedgen_ops import exit_codes
from schedgen_ops.events import RunFinished
from schedgen_ops.notify.run_summary import RunSummary
from schedgen_ops.text import duration, plural
from schedgen_ops.ui.estimate import rough
from schedgen_ops.ui.terminal import printable

_LINE, _LIST = 300, 10


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the team, and the occasions on which somebody wants to have it."""

    occasions: frozenset[str]
    title: str
    body: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a message says beside the run's own events.

    Attributes:
        by: who runs it, as user@laptop.
        machine: where the log is.
        link: where more is to be seen; "" for none.
        contacts: (name, how to reach them) of people to call.
    """

    by: str
    machine: str = ""
    link: str = ""
    contacts: tuple[tuple[str, str], ...] = ()


def beginning(run: RunSummary, around: Surroundings, at: datetime, usual: float) -> Notice:
    """Return the message that a run begins, as the runbook has it.

    Args:
        at: when it began.
        usual: seconds that earlier runs took; 0.0 where there was none.
    """
    began = f"Starting {run.noun.lower()} at {at:%H:%M %Z}"
    takes = f"about {rough(usual)}" if usual else "not known, no earlier run is recorded here"
    return Notice(
        frozenset({"started"}),
        f"{run.named} started",
        _body(
            (
                f"{began}: {', '.join(run.hosts)}",
                f"By: {around.by}",
                f"Estimated duration: {takes}",
                f"Expected impact: {run.fact('impact') or 'not known before it runs'}",
                _labelled("See", around.link),
            )
        ),
    )


def ending(run: RunSummary, around: Surroundings, end: RunFinished, log: str) -> Notice:
    """Return the message that tells how a run ended.

    Args:
        log: the log's path; "" for none.
    """
    return Notice(
        _occasions(run, end),
        f"{run.named} {_ended(run, end)}",
        _body((*_outcome(around, end), *_figures(run), *_more(run, around, end, log))),
        bad=bool(end.code),
    )


def overdue(env: str, around: Surroundings, hosts: Iterable[str]) -> Notice:
    """Return the message that backups are older than they may be, with a line for each host."""
    body = (*hosts, "Next: `inv backup` makes one.", f"By: {around.by}", _labelled("See", around.link))
    return Notice(frozenset({"backup_overdue"}), f"Backup overdue on {env}", _body(body), bad=True)


def trial(env: str, around: Surroundings, at: datetime) -> Notice:
    """Return the message of `inv notify.test`."""
    lines = (f"A test at {at:%H:%M %Z}: nothing happened.", f"By: {around.by}", _labelled("See", around.link))
    return Notice(frozenset(), f"Test message from {env}", _body(lines))


def _ended(run: RunSummary, end: RunFinished) -> str:
    code, said = end.code, exit_codes.words(end.code).ended
    if not code:
        return "finished"
    if code == exit_codes.REFUSED and end.outcome:
        return "was refused"  # Something was put right before.
    if run.announced and not _changed(run, end) and not said:
        # A run puts right what it finds before it begins: a lost host may have been in the middle of that.
        return "did not begin" if code == exit_codes.UNREACHABLE else "did not begin, nothing was changed"
    return said or "failed"


def _changed(run: RunSummary, end: RunFinished) -> bool:
    """Whether something may have changed; a recovery changes what it finds while it still looks."""
    broken = bool(end.outcome) or end.code in (exit_codes.UNREACHABLE, exit_codes.INTERRUPTED)
    return run.changed or (run.puts_right and broken)


def _occasions(run: RunSummary, end: RunFinished) -> frozenset[str]:
    code = end.code
    if run.backs_up:
        return frozenset({"backup_failed"}) if code else frozenset()
    if not code:
        return frozenset({"finished", "rolled_back"} if run.goes_back else {"finished"})
    refused = not _changed(run, end) and code != exit_codes.NEEDS_A_PERSON
    ended = "rolled_back" if code == exit_codes.TAKEN_BACK else "refused" if refused else "failed"
    return frozenset({ended, "backup_failed"} if run.backup_failed else {ended})


def _outcome(around: Surroundings, end: RunFinished) -> Iterator[str]:
    yield end.message or end.title
    yield _labelled("Host", end.host)
    yield _labelled("Step", end.step)
    yield _labelled("Outcome", end.outcome)
    yield f"By: {around.by}"
    yield f"Took: {duration(end.seconds, tenths=False)}"
    for label, value in end.facts:
        yield _labelled(label, value)


def _figures(run: RunSummary) -> Iterator[str]:
    yield from run.facts_of("proof")
    for label, name in (("Changes", "changes"), ("Migrations", "migrations")):
        values = run.facts_of(name)
        if values:
            yield f"{label}:"
            yield from (f"  {value}" for value in values[:_LIST])
        if len(values) > _LIST:
            yield f"  and {len(values) - _LIST} more"
    if run.warnings:
        yield f"{plural(run.warnings, 'warning')}, in the log"


def _more(run: RunSummary, around: Surroundings, end: RunFinished, log: str) -> Iterator[str]:
    if end.code:
        yield _labelled("Next", end.hint)
        yield from (f"Doctor: {found}" for found in run.doctor[:_LIST])
    if end.code == exit_codes.NEEDS_A_PERSON:
        yield from (_labelled("Call", f"{name}: {how}") for name, how in around.contacts)
    yield _labelled("See", around.link)
    yield _labelled("Log", f"{around.machine}:{log}" if log else "")
    yield _labelled("Report", f"{around.machine}:{log.removesuffix('.log')}.html" if log else "")


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _body(lines: Iterable[str]) -> str:
    """The lines that say something, each safe to show and of bounded length."""
    safe = (printable(part) for line in lines for part in line.splitlines())
    return "\n".join(line if len(line) <= _LINE else line[: _LINE - 1] + "…" for line in safe if line.strip())
