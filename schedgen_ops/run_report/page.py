"""A run as its report says it. Pure: what a run told comes in, values to be drawn or written come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from schedgen_ops.exit_codes import words
from schedgen_ops.run_report.boxes import FAILED, PASSED, PERSON, UNKNOWN, Ticked, summary, ticks
from schedgen_ops.run_report.proof import Proof, proof
from schedgen_ops.run_report.reading import records, texts
from schedgen_ops.run_report.team import NOBODY, TeamTold
from schedgen_ops.run_report.timeline import Timeline, timeline
from schedgen_ops.run_report.told import UNFINISHED, Said, Told
from schedgen_ops.text import duration

# What a finding of doctor's has, as it is told.
_FINDING = ("cause", "verdict", "text", "fix", "evidence")


@dataclass(frozen=True, slots=True)
class Listing:
    """A titled table; without rows it is left out."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that a report says.

    Attributes:
        verdict: how it ended, in a word or two; `tone` is passed, failed or unknown.
        boxes: the runbook's checklist summary, by section.
        lists: what doctor found, changes, migrations, backups, verification, and what else was found.
    """

    title: str
    verdict: str
    tone: str
    message: str
    facts: tuple[tuple[str, str], ...]
    trouble: tuple[tuple[str, str], ...]
    boxes: Mapping[str, tuple[Ticked, ...]]
    counts: Mapping[str, int]
    timeline: Timeline
    proof: Proof | None
    lists: tuple[Listing, ...]
    foreign: int


def page(run: Told, team: TeamTold = NOBODY, files: tuple[tuple[str, str], ...] = ()) -> Page:
    """Return the report of a run.

    Args:
        files: label and path of the run's other files.
    """
    found = summary(run, team)
    sections = dict.fromkeys(box.section for box in found)
    boxes = {name: tuple(box for box in found if box.section == name) for name in sections}
    marks = [box.mark for box in found]
    return Page(
        title=f"{(run.command or 'a run').capitalize()} on {run.env or 'an unknown environment'}",
        verdict=verdict(run.code),
        tone=PASSED if run.code == 0 else UNKNOWN if run.code == UNFINISHED else FAILED,
        message=run.end.get("message", "") or "The run never said how it ended",
        facts=tuple(_facts(run, files)),
        trouble=tuple(_trouble(run)),
        boxes=boxes,
        counts={mark: marks.count(mark) for mark in dict.fromkeys(marks)},
        timeline=timeline(run),
        proof=proof(run),
        lists=tuple(listing for listing in _lists(run) if listing.rows),
        foreign=run.foreign,
    )


def verdict(code: int) -> str:
    """Return what an exit code says of a run, in a word or two."""
    return "unfinished" if code == UNFINISHED else words(code).verdict


def _facts(run: Told, files: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    yield "Began", run.begun.replace("T", " ").partition(".")[0] + " UTC" if run.begun else ""
    yield "Took", duration(run.seconds)
    yield "Hosts", ", ".join(run.hosts)
    yield "Run", run.run
    yield from run.labels
    commit = run.fact("commit")
    if isinstance(commit, str):
        yield "Commit", commit
    yield from files


def _trouble(run: Told) -> Iterator[tuple[str, str]]:
    """What ended a run that failed, label and text."""
    if run.code == 0:
        return
    for name in ("host", "step", "outcome", "detail", "hint"):
        if run.end.get(name):
            yield {"hint": "next"}.get(name, name), run.end[name]


def _lists(run: Told) -> Iterator[Listing]:
    yield Listing("Doctor", ("Host", *map(str.capitalize, _FINDING)), tuple(_findings(run)))
    yield Listing("Changes", ("Commit",), tuple((one,) for one in texts(run.fact("changes"))))
    yield Listing("Images", ("Service and digest",), tuple((one,) for one in texts(run.fact("images"))))
    yield Listing("Migrations", ("File",), tuple((one,) for one in texts(run.fact("migrations"))))
    yield Listing("Backup", ("Host", "What"), tuple(_of_hosts(run, ("backup", "offsite", "Backup"))))
    yield Listing("Verification", ("Time", "Host", "What"), tuple(_verified(run)))
    yield Listing("Warnings and errors", ("Time", "Level", "Host", "What"), tuple(_bad(run)))
    heads = ("Host", "Section", "Box", "Mark", "What was seen", "What to do")
    rows = tuple((host, *tick) for host in run.hosts for tick in ticks(run, host))
    yield Listing("Pre-deployment checklist", heads, rows)


def _of_hosts(run: Told, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for label, value in run.labels:
        if label in names:
            yield "all", value
    for host in run.hosts:
        for name in names:
            if value := run.fact(name, host):
                yield host, f"{name}: {value}"
    for said in run.said:
        if said.text.startswith("Backup ") and said.level == "info":
            yield said.host or "all", said.text


def _findings(run: Told) -> Iterator[tuple[str, ...]]:
    for host in ("", *run.hosts):
        for finding in records(run.fact("doctor", host), _FINDING):
            yield (host, *finding)


def _verified(run: Told) -> Iterator[tuple[str, ...]]:
    return ((_at(said), said.host, said.text) for said in run.said if "erification" in said.step)


def _bad(run: Told) -> Iterator[tuple[str, ...]]:
    return (
        (_at(said), said.level, said.host, said.text)
        for said in run.said
        if said.level not in ("info", "debug")
    )


def _at(said: Said) -> str:
    minutes, seconds = divmod(int(said.at), 60)
    return f"{minutes}:{seconds:02d}"


def document(run: Told, shown: Page) -> dict[str, Any]:
    """Return the report for programs: the same as the page, without its drawings."""
    return {
        "command": run.command,
        "run": run.run,
        "env": run.env,
        "hosts": run.hosts,
        "begun": run.begun,
        "seconds": run.seconds,
        "exit_code": None if run.code == UNFINISHED else run.code,
        "verdict": shown.verdict,
        "message": shown.message,
        "trouble": dict(shown.trouble),
        "facts": dict(shown.facts),
        "checklist": [asdict(box) for boxes in shown.boxes.values() for box in boxes],
        "left_to_a_person": [
            box.title for boxes in shown.boxes.values() for box in boxes if box.mark == PERSON
        ],
        "steps": [asdict(step) for step in run.steps],
        "proof": run.fact("probe"),
        "found": {host or "run": dict(facts) for host, facts in run.facts.items()},
        "warnings": [asdict(said) for said in run.said if said.level not in ("info", "debug")],
        "foreign_lines": run.foreign,
    }
