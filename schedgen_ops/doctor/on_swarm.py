"""A diagnosis of a Swarm: every node asked about itself, a manager about all of them, judged together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.commands import swarm, swarm_trouble
from schedgen_ops.commands.swarm import Seen
from schedgen_ops.doctor import plan, swarm_nodes, swarm_services
from schedgen_ops.doctor.cause import Answers, Cause, Diagnosis, judged
from schedgen_ops.doctor.swarm_why import Boxes
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command

# What of the causes of any host is looked for on each node, and on the first host, which has the project.
_EACH = (
    "Docker daemon",
    "half-exchanged data",
    "disk space",
    "inodes",
    "host resources",
    "memory",
    "database",
    "database locked",
    "migrations",
    "endpoint",
)
_FIRST = (
    "Docker Compose",
    "permissions",
    "credentials",
    "configuration",
    "network",
    "registry",
    "failed deploy",
    "maintenance",
)
_ALL = (1, 2, 3, 4, 5, 6)
# What nodes tell of their containers, beside what causes ask.
_BOXES = ("containers", "details")
# What is said once though several nodes say it.
_SHARED = ("migrations", "migrations pending", "migrations conflict")


Findings = Mapping[str, tuple[Diagnosis, ...]]


@dataclass(frozen=True, slots=True)
class Told:
    """What a node answered.

    Attributes:
        results: by the probe's name.
        sent, received: when it was asked, and when it had answered, by this machine's clock.
    """

    host: HostSettings
    results: Mapping[str, Result]
    sent: datetime
    received: datetime


def kinds(settings: Settings, issue: int = 0) -> int:
    """Return how many kinds of causes are looked for."""
    names = {cause.name for host in settings.hosts for cause in _of_host(settings, host, issue)}
    return len(names) + len(_of_manager({}, issue)) + (not issue)


def ask(host: HostContext, deadline: float, issue: int = 0) -> Told:
    """Ask a node for all that is judged of it; every probe runs at the same time.

    Args:
        deadline: seconds; what answers later is unknown.
        issue: the runbook's issue whose causes are looked for; 0 for all.

    Raises:
        Unreachable: where it cannot be asked.
    """
    settings, entry = host.settings, host.entry
    asked = dict(plan.probes(settings, entry, (*_of_host(settings, entry, issue), _BOX_PROBES)))
    asked |= _manager_probes(host) | {"clock": host_time.ask()}
    sent = host.clock.now()
    answers = host.remote.together(tuple(asked.values()), deadline=deadline)
    return Told(entry, dict(zip(asked, answers, strict=True)), sent, host.clock.now())


_BOX_PROBES = Cause("containers", _ALL, _BOXES, lambda _: iter(()))


def _manager_probes(host: HostContext) -> dict[str, Command]:
    """Any manager among the nodes can tell, should the first one not."""
    settings = host.settings
    state = Paths(settings.directory).state
    return {
        "swarm": swarm.look(host.docker, settings.project),
        "tasks": swarm_trouble.ask(host.docker, settings.project, state),
    }


def _of_host(settings: Settings, host: HostSettings, issue: int) -> tuple[Cause, ...]:
    names = (*_EACH, *_FIRST) if host == settings.hosts[0] else _EACH
    return tuple(cause for cause in plan.causes(issue) if cause.name in names)


def _of_manager(boxes: Boxes, issue: int) -> tuple[Cause, ...]:
    unless = ("no quorum", "no manager", "Swarm")
    services = partial(swarm_services.lacking, boxes=boxes)
    causes = (
        Cause("Swarm", _ALL, ("swarm",), swarm_nodes.manager),
        Cause("node", _ALL, ("swarm",), swarm_nodes.lost, unless),
        Cause("quorum at risk", _ALL, ("swarm",), swarm_nodes.quorum, unless),
        Cause("config missing", (3, 4, 6), ("swarm", "tasks"), swarm_services.missing, unless),
        Cause("service", (1, 3, 4, 5, 6), ("swarm", "tasks"), services, unless),
    )
    return tuple(cause for cause in causes if not issue or issue in cause.issues)


def judge(settings: Settings, told: Mapping[str, Told], issue: int = 0) -> Findings:
    """Return what is wrong, by the host that said so; the Swarm's troubles first. Pure.

    Args:
        told: what the nodes answered that did, by name.
    """
    if not told:
        return {}
    boxes = swarm_services.boxes_of({name: each.results for name, each in told.items()})
    at = next((each for each in told.values() if each.results["swarm"].ok), next(iter(told.values())))
    of_swarm = judged(_of_manager(boxes, issue), Answers(settings, at.host, at.results))
    found: dict[str, tuple[Diagnosis, ...]] = {}
    said: set[tuple[str, str]] = set()
    for name, each in told.items():
        own = _of_node(settings, each, of_swarm, _seen(settings, at), issue)
        new = [one for one in own if one.cause not in _SHARED or (one.cause, one.text) not in said]
        said |= {(one.cause, one.text) for one in new}
        found[name] = (*(of_swarm if each is at else ()), *new)
    return found


def _of_node(
    settings: Settings, each: Told, of_swarm: Sequence[Diagnosis], seen: Seen, issue: int
) -> Iterator[Diagnosis]:
    """What is wrong with a node itself, beside what the Swarm's troubles explain."""
    causes = _of_host(settings, each.host, issue)
    if _is_closed(settings, each, seen):
        # Its ports are closed because somebody said so.
        causes = tuple(cause for cause in causes if cause.name != "endpoint")
    answers = Answers(settings, each.host, each.results, tuple(of_swarm))
    yield from judged(causes, answers)[len(of_swarm) :]
    if not issue:
        yield from _clock(each)


def _is_closed(settings: Settings, each: Told, seen: Seen) -> bool:
    """Whether a node's ports are to answer nobody; by its own word, or by its name where it is no manager."""
    node = _seen(settings, each).me or seen.node(each.host.name)
    return node is not None and seen.closed(node, settings.swarm.ingress_on)


def _seen(settings: Settings, each: Told) -> Seen:
    try:
        return swarm.parse(each.results["swarm"].stdout, settings.project)
    except (ValueError, LookupError, TypeError):
        return Seen()


def _clock(each: Told) -> Iterator[Diagnosis]:
    result = each.results["clock"]
    try:
        said = host_time.parse(result.stdout) if result.ok else None
    except ValueError:
        said = None
    if said is None:
        yield Diagnosis("clock", "the host's clock could not be read", known=False)
    elif text := host_time.apart(said, each.sent, each.received):
        yield Diagnosis("clock", text, "see that both keep time: `timedatectl` tells")
