"""The runbook's checklist summary for a run: each box ticked, failed, or left to a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops.run_report.reading import number, rows, text
from schedgen_ops.run_report.team import NOBODY, Announced, TeamTold
from schedgen_ops.run_report.told import UNFINISHED, StepTold, Told
from schedgen_ops.text import plural

PASSED, FAILED, PERSON, WARNING, UNKNOWN, LEFT = "passed", "failed", "yours", "warning", "unknown", "left out"
_WEIGHT = (PASSED, WARNING, UNKNOWN, FAILED)
_VERIFICATIONS = (
    "Post-deployment verification",
    "Post-rollback verification",
    "Post-move verification",
    "Verification",
)
_NOUNS = {"services": "service", "urls": "URL"}
_NOTHING = {
    "services": "no service is to run here",
    "urls": "no URL under `checks` concerns a host of this run",
}
_CHANGES_WHAT_SERVES = ("deploy", "move", "rollback", "restore", "recover")

_PRE, _DEPLOYMENT, _POST = "Pre-deployment", "Deployment", "Post-deployment"
# The runbook's boxes before a deploy, and the box of the whole checklist that answers each.
_BEFORE = (
    ("Access to production server verified", "Docker and Compose"),
    ("Correct directory confirmed", "Project directory"),
    ("Git branch identified", "Version to deploy"),
    ("System health checked", "What runs now is well"),
    ("Disk space verified", "Disk space"),
    ("Backup credentials verified", "Credentials"),
)
_DURING = (
    ("Backup creation confirmed", "Pre-deployment backup"),
    ("Backup integrity verified", "Pre-deployment backup"),
    ("Code pull successful", "Pulling latest code"),
    ("Container build successful", "Building containers"),
    ("Migrations completed", "Running database migrations"),
)


@dataclass(frozen=True, slots=True)
class Ticked:
    """A box of the summary: what it was found to be, and what was seen or is to be done."""

    section: str
    title: str
    mark: str
    text: str = ""


def summary(run: Told, team: TeamTold = NOBODY) -> tuple[Ticked, ...]:
    """Return the boxes of a run, in the runbook's order."""
    return tuple(_deploy(run, team) if run.command == "deploy" else _other(run, team))


def _deploy(run: Told, team: TeamTold) -> Iterator[Ticked]:
    for title, box in _BEFORE[:3]:
        yield _by_checklist(run, title, box)
    commits = run.fact("changes")
    seen = (
        f"{plural(len(commits), 'commit')}, below; to read them is yours" if isinstance(commits, list) else ""
    )
    yield Ticked(_PRE, "Changes reviewed", PERSON, seen or "`inv deploy.plan` shows them")
    for title, box in _BEFORE[3:]:
        yield _by_checklist(run, title, box)
    yield Ticked(_PRE, "Team notified", *_team(run, team.start, "that it started"))
    yield Ticked(_PRE, "Grafana dashboards opened", PERSON, "`inv monitor.open` leads to them")
    yield Ticked(_DEPLOYMENT, "Deployment script started", PASSED)
    for title, step in _DURING:
        yield Ticked(_DEPLOYMENT, title, *_of_step(run, run.step(step)))
    if pulled := run.step("Pulling images"):
        yield Ticked(_DEPLOYMENT, "Images pulled", *_of_step(run, pulled))
    rolled = [step for step in run.steps if step.title.startswith("Rolling update")]
    yield Ticked(_DEPLOYMENT, "Services updated successfully", *_of_steps(run, rolled))
    yield Ticked(_DEPLOYMENT, "Health checks passed", *_looked(run, "services", "urls"))
    yield from _after(run, team)


def _other(run: Told, team: TeamTold) -> Iterator[Ticked]:
    for step in run.steps:
        yield Ticked(run.title or run.command, step.title, *_of_step(run, step))
    if run.command.partition(".")[0] in (*_CHANGES_WHAT_SERVES, "emergency"):
        yield from _after(run, team)


def _after(run: Told, team: TeamTold) -> Iterator[Ticked]:
    for title, what in (("All services running", "services"), ("Health endpoints responding", "urls")):
        looked = _looked(run, what)
        yield Ticked(_POST, title, *((PERSON, "`inv verify` looks") if looked[0] == LEFT else looked))
    yield Ticked(_POST, "Metrics being collected", PERSON, "`inv verify.metrics` looks")
    yield Ticked(_POST, "No errors in logs", PERSON, "`inv verify.logs` looks")
    yield Ticked(_POST, "Critical flows tested", PERSON, "`inv verify.flow` tries them")
    yield Ticked(_POST, "Grafana dashboards normal", PERSON, "`inv monitor.open` leads to them")
    watched = next((step for step in run.steps if step.title.startswith("Extended monitoring")), None)
    extended = _of_step(run, watched) if watched else (PERSON, "`inv verify.extended` watches")
    yield Ticked(_POST, "Extended monitoring started", *extended)
    yield Ticked(_POST, "Team notified of completion", *_team(run, team.end, "how it ended"))


def _looked(run: Told, *what: str) -> tuple[str, str]:
    """How the verification went for these; having nothing to look at, it passes too, and ticks nothing."""
    mark, said = _of_step(run, next((step for step in run.steps if step.title in _VERIFICATIONS), None))
    if mark != PASSED:
        return mark, said
    counts = {name: sum(_verified(run, host, name) for host in run.hosts) for name in what}
    if not any(counts.values()):
        return PERSON, f"nothing was looked at: {' and '.join(_NOTHING[name] for name in what)}"
    return PASSED, ", ".join(plural(count, _NOUNS[name]) for name, count in counts.items() if count)


def _verified(run: Told, host: str, what: str) -> int:
    counts = run.fact("verified", host)
    return int(number(counts.get(what))) if isinstance(counts, dict) else 0


def _by_checklist(run: Told, title: str, box: str) -> Ticked:
    """The worst that was found on any host; a host that did not answer makes it unknown."""
    found = [
        (host, mark, said) for host in run.hosts for _, name, mark, said, _ in ticks(run, host) if name == box
    ]
    if not found:
        return Ticked(_PRE, title, UNKNOWN, "not looked at")
    missing = [host for host in run.hosts if not ticks(run, host)]
    if missing:
        return Ticked(_PRE, title, UNKNOWN, f"not known of {', '.join(missing)}")
    worst = max(found, key=lambda one: _WEIGHT.index(one[1]) if one[1] in _WEIGHT else len(_WEIGHT))
    named = len(run.hosts) > 1 and worst[1] != PASSED
    return Ticked(_PRE, title, worst[1], f"{worst[0]}: {worst[2]}" if named else worst[2])


def ticks(run: Told, host: str) -> tuple[tuple[str, str, str, str, str], ...]:
    """Return the whole checklist of a host: section, box, mark, what was seen, what to do."""
    return tuple(
        (text(a), text(b), text(c), text(d), text(e))
        for a, b, c, d, e in rows(run.fact("checklist", host), 5)
    )


def _of_steps(run: Told, steps: list[StepTold]) -> tuple[str, str]:
    marks = [_of_step(run, step) for step in steps]
    worst = next((one for one in marks if one[0] == FAILED), None)
    worst = worst or next((one for one in marks if one[0] != PASSED), None)
    return worst or ((PASSED, "") if marks else (LEFT, "does not apply here"))


def _of_step(run: Told, step: StepTold | None) -> tuple[str, str]:
    if step is None:
        return LEFT, "does not apply here"
    match step.state:
        case "done":
            return PASSED, ""
        case "failed":
            return FAILED, step.message
        case "running":
            return UNKNOWN, "it was never told how it ended"
        case _:
            return LEFT, "did not come to it" if run.code != UNFINISHED else "never begun"


def _team(run: Told, message: Announced, what: str) -> tuple[str, str]:
    if message.undelivered:
        return FAILED, "; ".join(message.undelivered)
    if message.receivers:
        return PASSED, ""
    if run.fact("receivers"):
        return PERSON, f"nobody was told {what}"
    return PERSON, f"nobody was told {what}: nobody is configured under `notify`"
