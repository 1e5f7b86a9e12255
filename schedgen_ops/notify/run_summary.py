"""What a run told so far that the team is told too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schedgen_ops.events import (
    Event,
    Fact,
    Message,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
)

GATE = "Pre-flight Checks"
"""The first step of a run on releases; one that has no other puts right what it finds there."""

_BACKUP = "Pre-deployment backup"
_NOUNS = {
    "deploy": "Deployment",
    "rollback": "Rollback",
    "move": "Move to the Swarm",
    "restore": "Restore",
    "emergency": "Emergency recovery",
    "recover": "Recovery",
    "ops.maintenance": "Maintenance",
}
_BACKUPS = {"backup": "Backup", "drill": "Restore drill", "backup.push": "Copy of a backup"}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run, from its first event on.

    Attributes:
        passed: the titles of the steps that ended well.
        facts: values that it told, by name.
        warnings: how many it told.
        failed: the titles of the steps that failed.
        doctor: what was found on the hosts once it failed, in words.
        acts: whether a step began that is no gate.
    """

    started: RunStarted | None = None
    passed: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    acts: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: int = 0
    doctor: tuple[str, ...] = ()

    def after(self, event: Event) -> RunSummary:
        """Return the summary after `event`."""
        match event:
            case RunStarted():
                return RunSummary(event)
            case StepStarted() | StepFinished() | StepFailed():
                return self._after_step(event)
            case Fact(name="doctor"):
                return replace(self, doctor=(*self.doctor, *_findings(event)))
            case Fact(host=""):
                return replace(self, facts={**self.facts, event.name: event.value})
            case Message(level="warn"):
                return replace(self, warnings=self.warnings + 1)
            case _:
                return self

    def _after_step(self, event: StepStarted | StepFinished | StepFailed) -> RunSummary:
        match event:
            case StepStarted():
                return replace(self, acts=self.acts or not event.gate)
            case StepFinished():
                return replace(self, passed=self.passed | {event.title})
            case StepFailed():
                return replace(self, failed=self.failed | {event.title})

    @property
    def command(self) -> str:
        """What was asked; "" before the run began."""
        return self.started.command if self.started else ""

    @property
    def announced(self) -> bool:
        """Whether it changes what serves, so that the team is told of its start and of its end."""
        return self.command in _NOUNS

    @property
    def backs_up(self) -> bool:
        """Whether it is about a backup alone, so that the team is told of its failure."""
        return self.command in _BACKUPS

    @property
    def goes_back(self) -> bool:
        """Whether it makes an earlier release serve."""
        return self.command == "rollback"

    @property
    def puts_right(self) -> bool:
        """Whether all that it does is to take back what an interrupted run left."""
        return self.command == "recover"

    @property
    def changed(self) -> bool:
        """Whether it came so far that something may have changed."""
        return self.acts or (GATE in self.passed and not self._goes_on)

    @property
    def begins(self) -> bool:
        """Whether nothing can refuse it any more."""
        return self.announced and self.changed

    @property
    def backup_failed(self) -> bool:
        """Whether it ended in the middle of its backup."""
        return _BACKUP in self.failed

    @property
    def _goes_on(self) -> bool:
        return any(title != GATE for _, title in self.started.steps) if self.started else False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it is on."""
        return self.started.hosts if self.started else ()

    @property
    def noun(self) -> str:
        """What it is, in words."""
        return {**_NOUNS, **_BACKUPS}.get(self.command, self.command)

    @property
    def named(self) -> str:
        """What it is, of what and where: the beginning of a title."""
        if self.started is None:
            return ""
        facts = dict(self.started.facts)
        of, to = facts.get("Branch", ""), facts.get("To", "")
        which = f" of {of}" if of else f" to {to}" if to else ""
        return f"{self.noun}{which} on {self.started.env}"

    def fact(self, name: str) -> str:
        """Return a value as text; "" where it was not told."""
        return str(self.facts.get(name, ""))

    def facts_of(self, name: str) -> tuple[str, ...]:
        """Return a list of values as texts; none where it was not told."""
        value = self.facts.get(name)
        return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _findings(event: Fact) -> Iterator[str]:
    """What doctor found on a host, each with its fix; what a command printed is for the log alone."""
    for one in event.value:
        where = f"{event.host}: " if event.host else ""
        fix = f" (fix: {one['fix']})" if one["fix"] else ""
        yield f"{where}{one['cause']}{fix}"
