"""Services of a Swarm with fewer containers than they are to have, or whose update does not go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from schedgen_ops.commands import docker, swarm_trouble
from schedgen_ops.commands.swarm import Seen, Standing
from schedgen_ops.commands.swarm_trouble import Attempt
from schedgen_ops.doctor import remote_commands
from schedgen_ops.doctor.cause import Answers, Diagnosis, unknown
from schedgen_ops.doctor.swarm_nodes import seen
from schedgen_ops.doctor.swarm_why import Boxes, lines_of, why
from schedgen_ops.remote import Result
from schedgen_ops.text import duration

# So many containers of a service that ended within so many seconds are no accident.
_OFTEN, _LATELY = 3, 600.0
# An update in which nothing has happened for so long stands still.
_STILL = 60.0


def boxes_of(nodes: Mapping[str, Mapping[str, Result]]) -> Boxes:
    """Return the containers that the nodes have, those that ended among them; an unreadable answer has none.

    Args:
        nodes: what each answered, by the probe's name.
    """
    found: dict[str, tuple[docker.Container, remote_commands.Boxes]] = {}
    for results in nodes.values():
        if "containers" not in results or "details" not in results:
            continue
        try:
            details = remote_commands.parse_services(results["details"].stdout)
            for box in docker.parse_containers(results["containers"].stdout):
                found[box.id] = (box, details)
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return found


def missing(answers: Answers) -> Iterator[Diagnosis]:
    """Find configs, secrets and networks that the serving release names and that are gone."""
    if not answers["tasks"].ok:
        return
    for service, names in swarm_trouble.parse(answers["tasks"].stdout).lacks.items():
        text = f"the Swarm has no {', '.join(names)}, which {service} of the serving release needs"
        yield Diagnosis("config missing", text, "inv deploy")


def lacking(answers: Answers, boxes: Boxes) -> Iterator[Diagnosis]:
    """Find services that have fewer containers than they are to have, and why.

    Args:
        boxes: what the nodes tell of the containers.
    """
    if not answers["tasks"].ok:
        yield unknown("service", answers["tasks"])
        return
    found, told = seen(answers), swarm_trouble.parse(answers["tasks"].stdout)
    there = {one.service for one in found.services}
    for name in (name for name in told.released if name not in there):
        text = f"the Swarm has no service {name}, which the serving release has"
        yield Diagnosis("no container", text, f"inv ops.start {name}", services=(name,))
    for one in found.services:
        diagnosis = None if one.ends else _Service(one, _its(one, told), found, boxes).judged()
        if diagnosis is not None:
            yield replace(diagnosis, services=(one.service,))


def _its(one: Standing, told: swarm_trouble.Trouble) -> tuple[Attempt, ...]:
    """What an earlier release left, or was there before a restart, tells nothing of what is there now."""
    its = [each for each in told.attempts if (each.service, each.definition) == (one.service, one.definition)]
    last = max((each.forced for each in its), default=0)
    return tuple(each for each in its if each.forced == last)


@dataclass(frozen=True, slots=True)
class _Service:
    """A service, and what became of its containers."""

    one: Standing
    its: Sequence[Attempt]
    found: Seen
    boxes: Boxes

    def judged(self) -> Diagnosis | None:
        """What is wrong with it; None for nothing."""
        one = self.one
        if one.stopped:
            text = f"{one.service} was stopped by hand, and had {one.stopped}"
            return Diagnosis("stopped", text, f"inv ops.start {one.service}")
        if one.update in ("paused", "rollback_paused"):
            return self._given_up()
        if one.running < one.wanted:
            return self._fewer()
        return self._again_and_again() or self._still()

    def _why(self) -> Diagnosis | None:
        return why(self.one, self.its, self.found, self.boxes)

    def _given_up(self) -> Diagnosis:
        one, because = self.one, self._why()
        more = because.text if because else one.message
        text = f"the update of {one.service} was given up, {one.running} of {one.wanted} run: {more}"
        fix = f"inv ops.restart {one.service} begins it anew; inv rollback"
        if because and because.cause not in ("crashed", "unhealthy", "restarting"):
            fix = because.fix
        return Diagnosis("update paused", text, fix, because.evidence if because else ())

    def _fewer(self) -> Diagnosis:
        one, because = self.one, self._why()
        text = f"{one.running} of {one.wanted} containers of {one.service} run"
        if because:
            return replace(because, text=f"{text}: {because.text}")
        waiting = [each for each in self.its if each.waits]
        fix = "wait a minute, then `inv doctor` again"
        return Diagnosis("not started yet", text, fix, tuple(lines_of(waiting, self.found)))

    def _again_and_again(self) -> Diagnosis | None:
        # What never ran is over once others do.
        ended = [each for each in self.its if each.failed and each.ran and each.age < _LATELY]
        if len(ended) < _OFTEN:
            return None
        because = why(self.one, ended, self.found, self.boxes)
        assert because
        text = f"{self.one.service} ended {len(ended)} times within {duration(_LATELY, tenths=False)}"
        cause = "restarting" if because.cause == "crashed" else because.cause
        return replace(because, cause=cause, text=f"{text}: {because.text}")

    def _still(self) -> Diagnosis | None:
        one = self.one
        if one.update != "updating" or not self.its or self.its[0].age < _STILL:
            return None
        for_ = duration(self.its[0].age, tenths=False)
        text = f"the update of {one.service} stands still: nothing has changed for {for_}"
        fix = f"inv ops.restart {one.service} begins it anew; inv deploy.recover where its run is gone"
        return Diagnosis("update stands still", text, fix, tuple(filter(None, (one.message,))))
