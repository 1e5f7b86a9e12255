"""Why a service does not run or is not healthy, and which others suffer from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from schedgen_ops.commands import docker
from schedgen_ops.doctor import containers, remote_commands
from schedgen_ops.doctor.cause import Answers, Diagnosis, unknown
from schedgen_ops.release import store
from schedgen_ops.verify import checks

# A container that uses more of its own limit is about to be killed.
_FULL = 92.0


@dataclass(frozen=True)
class HostServices:
    """The containers of a host as one: what each service has, needs, and suffers from."""

    answers: Answers

    @cached_property
    def details(self) -> remote_commands.Boxes:
        """What Docker tells beside their state."""
        return remote_commands.parse_services(self.answers["details"].stdout)

    @cached_property
    def containers(self) -> Mapping[str, tuple[docker.Container, ...]]:
        """The containers of each service that belongs here or has one."""
        settings, host = self.answers.settings, self.answers.host
        # Without tiers the config names those alone that it has something to ask of.
        asked = (check.needs for check in checks.on(settings, host, ("endpoints", "queue")) if check.needs)
        wanted = settings.kept_on(host) if settings.tiers else asked
        boxes = docker.parse_containers(self.answers["containers"].stdout)
        jobs = docker.jobs_named(boxes)
        found: dict[str, tuple[docker.Container, ...]] = {name: () for name in wanted if name not in jobs}
        for box in boxes:
            found[box.service] = (*found.get(box.service, ()), box)
        return found

    @cached_property
    def troubles(self) -> Mapping[str, Diagnosis]:
        """What is wrong with each service by itself; one of a job that ended well is none."""
        found = {}
        for service, boxes in self.containers.items():
            each = filter(None, (containers.trouble(box, self.details) for box in boxes))
            worst = next(iter(sorted(each, key=containers.weight)), None)
            if not boxes and service not in self.answers.troubled:
                fix = f"inv ops.start {service}" if any(self.containers.values()) else "inv deploy"
                worst = Diagnosis("no container", f"{service} has no container", fix)
            job = boxes and not self.answers.settings.tiers and all(box.ended_well for box in boxes)
            if worst is not None and not job:
                found[service] = replace(worst, services=(service,))
        return found

    def needs(self, service: str) -> frozenset[str]:
        """All services that it needs, theirs included."""
        found: set[str] = set()
        left = [service]
        while left:
            new = self._direct(left.pop()) - found
            found |= new
            left += new
        return frozenset(found - {service})

    def _direct(self, service: str) -> frozenset[str]:
        settings = self.answers.settings
        labels = (self.details.boxes.get(box.id) for box in self.containers.get(service, ()))
        named = {need for box in labels if box for need in box.needs}
        shelf = (
            store.parse_shelf(self.answers["releases"].stdout) if "releases" in self.answers.results else None
        )
        if shelf and shelf.serving and service in shelf.serving.services:
            named |= {*shelf.serving.services[service].needs}
        data = (settings.database, settings.objects)
        return frozenset(named | {part.service for part in data if part and service in part.used_by})


def services(answers: Answers) -> Iterator[Diagnosis]:
    """Find why services are not well: roots alone, each with those that suffer from it as evidence."""
    for probe in ("containers", "details"):
        if not answers[probe].ok:
            yield unknown("service", answers[probe])
            return
    project = HostServices(answers)
    troubles = project.troubles
    away = {*troubles, *answers.troubled}
    suffers = {
        name: project.needs(name) & away
        for name, trouble in troubles.items()
        if trouble.cause in containers.FOLLOWS
    }
    for name, trouble in troubles.items():
        if suffers.get(name):
            continue
        victims = tuple(victim for victim, roots in suffers.items() if name in roots)
        because = tuple(f"{troubles[victim].text}, and needs {name}" for victim in victims)
        # What is well still has asked in vain: its log tells of that.
        users = (other for other in project.containers if name in project.needs(other))
        yield replace(
            trouble,
            evidence=(*trouble.evidence, *because),
            services=tuple(dict.fromkeys((name, *victims, *users))),
        )


def memory(answers: Answers) -> Iterator[Diagnosis]:
    """Find services that lost a process for want of memory, or are about to."""
    if not answers["containers"].ok or not answers["details"].ok:
        return
    project = HostServices(answers)
    # Of what was removed since, nobody can restart anything.
    for service in sorted((project.details.killed & {*project.containers}) - answers.troubled):
        yield containers.starved(service, "a process of it was killed for want of memory within the hour")
    names = {box.name: box for boxes in project.containers.values() for box in boxes}
    for line in answers["stats"].lines():
        name, percent, usage = (*line.split(" ", 2), "", "")[:3]
        box = names.get(name)
        limited = box and project.details.boxes.get(box.id, remote_commands.ContainerDetail()).memory
        explained = {*answers.troubled, *project.details.killed}
        if box and limited and box.service not in explained and _percent(percent) > _FULL:
            yield containers.starved(box.service, f"{name} uses {percent} of its memory, {usage}")


def _percent(text: str) -> float:
    """What `docker stats` says, 0 where it says that it does not know."""
    number = text.removesuffix("%")
    return float(number) if number.replace(".", "", 1).isdigit() else 0.0
