"""The boxes of the checklist in the runbook's six sections, and what each was found to be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schedgen_ops.preflight.probe import Problem


class Mark(StrEnum):
    """What a box was found to be. What could not be found out is unknown, never passed."""

    PASSED = "passed"
    WARNING = "warning"
    UNKNOWN = "unknown"
    FAILED = "failed"
    PERSON = "yours"


@dataclass(frozen=True, slots=True)
class Box:
    """One line of the checklist.

    Attributes:
        section: the runbook's.
        probes: the names of the probes that fill it; none for a person's.
        hint: what a person can do about it by us.
        bears: whether a deploy goes on without a word where it is a warning: it makes its own backup.
    """

    section: str
    title: str
    probes: tuple[str, ...] = ()
    hint: str = ""
    bears: bool = False


_ENVIRONMENT = "Environment preparation"
_CODE = "Code preparation"
_HEALTH = "System health"
_BACKUP = "Backup"
_TEAM = "Team"
_MONITORING = "Monitoring"

BOXES = (
    Box(_ENVIRONMENT, "Project directory", ("directory",)),
    Box(_ENVIRONMENT, "Git status", ("tree", "git")),
    Box(_ENVIRONMENT, "Docker and Compose", ("engine", "compose")),
    Box(_ENVIRONMENT, "The Swarm and its nodes", ("swarm",)),
    Box(_ENVIRONMENT, "This machine builds the images", ("builder",), bears=True),
    Box(_ENVIRONMENT, "Containers are this project's", ("owners", "namesakes")),
    Box(_ENVIRONMENT, "Hosts can tell the team", ("webhook",)),
    Box(_ENVIRONMENT, "State and records", ("state", "releases", "mounted")),
    Box(_CODE, "Version to deploy", ("source", "approvals")),
    Box(_CODE, "Changes since the last deployment", ("changes",)),
    Box(_CODE, "Database migrations to come", ("migrations",)),
    Box(_CODE, "Variables of the new compose file", ("variables",)),
    Box(_CODE, "Services of the configuration", ("services",)),
    Box(_CODE, "A Swarm can run it", ("stack",)),
    Box(_CODE, "Secrets, and the env file that comes", ("secrets",), bears=True),
    Box(_CODE, "Configuration against what serves", ("definition",), bears=True),
    Box(_HEALTH, "What runs now is well", ("serving",)),
    Box(_HEALTH, "Visitors are let in", ("maintenance",)),
    Box(_HEALTH, "Disk space", ("disk",)),
    Box(_HEALTH, "CPU and memory", ("load",)),
    Box(_HEALTH, "Recent errors in the logs", ("logs",)),
    Box(_HEALTH, "Certificates", ("certificates",)),
    Box(_HEALTH, "Clock", ("clock",)),
    Box(_BACKUP, "Credentials", ("credentials",)),
    Box(_BACKUP, "Backup directory", ("backups",)),
    Box(_BACKUP, "What is backed up runs", ("containers",)),
    Box(_BACKUP, "Last backup", ("last_backup",), bears=True),
    Box(_BACKUP, "A backup was restored once", ("proof",), bears=True),
    Box(_TEAM, "The team knows when, how long, and what to expect"),
    Box(
        _TEAM,
        "Somebody is on standby for a rollback",
        hint="`inv rollback` goes back, `inv doctor` looks for causes",
    ),
    Box(_MONITORING, "Dashboards are open", hint="`inv monitor.open` leads to them"),
    Box(_MONITORING, "Logs are being watched", hint="`inv logs --follow` in a second terminal"),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A box as it was found on a host.

    Attributes:
        problems: what is not as it should be.
        seen: evidence where it passed.
    """

    box: Box
    mark: Mark
    problems: tuple[Problem, ...] = ()
    seen: str = ""

    @property
    def text(self) -> str:
        """What was seen: evidence where it passed, the reasons where it did not."""
        return "\n".join(dict.fromkeys(each.text for each in self.problems)) or self.seen

    @property
    def fix(self) -> str:
        """What to do about it; "" for nothing."""
        hints = dict.fromkeys(each.hint for each in self.problems if each.hint)
        return "\n".join(hints) or self.box.hint


def ticks(
    problems: Mapping[str, Sequence[Problem]], evidence: Mapping[str, str], asked: Iterable[str]
) -> Iterator[Tick]:
    """Fill every box of which something was asked, and those of persons.

    Args:
        problems: what each probe found that could be judged.
        evidence: what each probe saw, in words; "" for nothing worth a word.
        asked: the names of all probes of this host.
    """
    known = set(asked)
    for box in BOXES:
        if not box.probes:
            yield Tick(box, Mark.PERSON)
        elif names := [name for name in box.probes if name in known]:
            looked = any(name in problems for name in names)
            found = [each for name in names for each in problems.get(name, ())]
            yield _filled(box, found, evidence) if looked else Tick(box, Mark.UNKNOWN, seen="not looked at")


def _filled(box: Box, found: Sequence[Problem], evidence: Mapping[str, str]) -> Tick:
    if found:
        return Tick(box, mark(max(found, key=_weight)), tuple(found))
    said = [evidence.get(name, "") for name in box.probes]
    return Tick(box, Mark.PASSED, seen=", ".join(filter(None, said)))


def mark(problem: Problem) -> Mark:
    """Return what a problem makes of its box."""
    if problem.refuses:
        return Mark.FAILED
    return Mark.UNKNOWN if problem.unknown else Mark.WARNING


def _weight(problem: Problem) -> int:
    return (Mark.WARNING, Mark.UNKNOWN, Mark.FAILED).index(mark(problem))
