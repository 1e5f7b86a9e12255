"""Why a container of a Swarm's service did not become well, by the Swarm's words and its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from schedgen_ops.commands import docker
from schedgen_ops.commands.swarm import Seen, Standing
from schedgen_ops.commands.swarm_trouble import Attempt
from schedgen_ops.doctor import containers, remote_commands
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.text import duration

_SHOWN = 3
_UNHEALTHY = re.compile(r"unhealthy container", re.I)
_KILLED = re.compile(r"non-zero exit \(137\)")
# What nodes tell of the containers that ended there, by the id of the container.
Boxes = Mapping[str, tuple[docker.Container, remote_commands.Boxes]]


@dataclass(frozen=True, slots=True)
class Case:
    """A container that did not become well.

    Attributes:
        one: how its service stands.
        worst: what became of it; `lines` are it and others of the service, in words.
    """

    one: Standing
    worst: Attempt
    lines: tuple[str, ...]
    found: Seen
    boxes: Boxes

    @property
    def where(self) -> str:
        """The name of its node; "" where it has none."""
        return _name(self.found, self.worst.node)


def why(one: Standing, its: Sequence[Attempt], found: Seen, boxes: Boxes) -> Diagnosis | None:
    """Return why a service lacks containers; None where the Swarm says nothing of it.

    Args:
        its: the service's containers, those that ended among them, the youngest first.
        boxes: what the nodes tell of the containers.
    """
    bad = [each for each in its if each.failed or (each.waits and each.why)]
    # What is to run now tells more than what came before it.
    worst = next((each for each in bad if each.waits), next(iter(bad), None))
    if worst is None:
        return None
    lines = tuple(lines_of([worst, *(each for each in bad if each is not worst)], found))
    case = Case(one, worst, lines, found, boxes)
    judges = (judge for pattern, judge in _BY_WORDS if pattern.search(worst.why))
    return next(judges, _ended)(case)


def lines_of(its: Sequence[Attempt], found: Seen) -> Iterator[str]:
    """Yield of each what became of it, where and when."""
    for each in its[:_SHOWN]:
        where = _name(found, each.node)
        slot = f".{each.slot}" if each.slot else ""
        place = f" on {where}" if where else ""
        because = f": {each.why}" if each.why else ""
        age = duration(each.age, tenths=False)
        when = f"{age} ago" if each.failed else f"for {age}"
        yield f"{each.service}{slot}{place} {each.state} {when}{because}"


def _name(found: Seen, node_id: str) -> str:
    node = found.node(node_id) if node_id else None
    return node.name if node else ""


def _port(case: Case) -> Diagnosis:
    where = f" on {case.where}" if case.where else ""
    fix = f"end what has the port{where}; then `inv ops.restart {case.one.service}`"
    return Diagnosis("port taken", case.worst.why, fix, case.lines)


def _room(case: Case) -> Diagnosis:
    fix = "another node, or less in `deploy.resources.reservations`; then `inv deploy`"
    return Diagnosis("no suitable node", case.worst.why, fix, case.lines)


def _image(case: Case) -> Diagnosis:
    where = case.where or "its node"
    fix = f"see that the registry answers {where}; `inv deploy` pushes the image again"
    return Diagnosis("image missing", case.worst.why, fix, case.lines)


def _nowhere(case: Case) -> Diagnosis:
    """No node takes it: what it is tied to is lost, or has no work; or its own constraints."""
    one = case.one
    node = case.found.node(one.node) if one.node else None
    if node is None or (node.good and node.availability == "Active"):
        wants = f"it asks for {', '.join(one.placed)}" if one.placed else "no node has work"
        fix = "`inv status` tells which nodes there are; correct `deploy.placement`, then `inv deploy`"
        return Diagnosis("no suitable node", f"{case.worst.why}; {wants}", fix, case.lines)
    if not node.good:
        text, fix = "is lost", f"start {node.name} again: it comes up there by itself"
    else:
        text = "is drained" if node.availability == "Drain" else "is paused"
        fix = f"inv hosts.undrain {node.name}"
    return Diagnosis("node of its volume", f"its volume is on {node.name}, which {text}", fix, case.lines)


def _ended(case: Case) -> Diagnosis:
    """It ran, and ended or was ended: its container may tell more, on a node that answers."""
    name, said = case.one.service, case.worst.why
    inside = _inside(case)
    if inside is not None:
        text = f"{said} ({inside.text})" if said else inside.text
        return replace(inside, text=text, evidence=(*case.lines, *inside.evidence))
    unhealthy = _UNHEALTHY.search(said)
    if _KILLED.search(said) and not unhealthy:
        return containers.starved(name, f"{said}: for want of memory, or it did not end in time", *case.lines)
    text = said or "its container ended, or did not get healthy"
    fix = f"inv logs {name}; inv ops.restart {name}; inv rollback"
    return Diagnosis("unhealthy" if unhealthy else "crashed", text, fix, case.lines)


def _inside(case: Case) -> Diagnosis | None:
    """What the container itself tells."""
    if case.worst.container not in case.boxes:
        return None
    box, details = case.boxes[case.worst.container]
    found = containers.trouble(box, details)
    if found is None or found.cause in ("stopped", "not started yet"):
        return None
    if _UNHEALTHY.search(case.worst.why) and not box.oom_killed:
        # Its engine ended it for want of health.
        return replace(found, cause="unhealthy", fix=f"inv ops.restart {case.one.service}; inv rollback")
    return found


# What the Swarm and its engines say, most specific first.
_BY_WORDS: tuple[tuple[re.Pattern[str], Callable[[Case], Diagnosis]], ...] = (
    (
        re.compile(r"host-mode port already in use|port is already allocated|address already in use", re.I),
        _port,
    ),
    (re.compile(r"insufficient resources", re.I), _room),
    (re.compile(r"no suitable node", re.I), _nowhere),
    (re.compile(r"no such image|manifest unknown|pull access denied|image .* not found", re.I), _image),
    (re.compile(r"no basic auth|unauthorized|connection refused|no such host|i/o timeout", re.I), _image),
)
