"""How a host stands: its services, its release, its room, who is at work. One round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schedgen_ops.backup.catalog import remote_commands as backups
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.catalog.selection import newest
from schedgen_ops.balancer import remote_commands as balancer
from schedgen_ops.commands import maintenance
from schedgen_ops.commands.disks import Space, parse_spaces, spaces
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.maintenance import Maintenance
from schedgen_ops.guard import remote_commands as guarding
from schedgen_ops.guard import story
from schedgen_ops.host_context import HostContext
from schedgen_ops.lock import remote_commands as locking
from schedgen_ops.looking.service_status import ServiceStatus, services
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import State, served_in_order
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.watch import detached, kept, sampler
from schedgen_ops.watch.host_sample import HostSample, Reader

_DEADLINE = 25.0
# CPU is what was used between two rounds.
_ROUNDS, _INTERVAL = 2, 0.5
_ROUNDS_WITHOUT_LOGS = _ROUNDS + 1

Answers = Mapping[str, Result]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How a host stands. What could not be found out is None, and said in `unknown`.

    Attributes:
        at: seconds since the epoch by the host's clock.
        release: the id of the one that serves; "" for none.
        serving_since: when it was done, RFC 3339.
        services: None where the engine did not answer.
        cpu_percent: of all cores.
        memory_percent: of the host's memory.
        disk: the file system, of those that a release fills, with the least room.
        guard: how a watch of the host stands, in words; "" for none.
        watch: how a detached watch stands, or ended, in words; "" for none.
        lock: who holds it, in words; "" where it is free.
        backup: the newest good one; None for none, and where that is not known.
        keeps_backups: whether backups are taken here; `backup_unknown` where they could not be listed.
        maintenance: whether visitors are turned away.
        balancer: whether the host is taken out of its load balancer, since when and by whom.
        last: how the last release ended, where it was not the one that serves.
        unknown: what could not be found out, and why, in words.
    """

    at: float = 0.0
    release: str | None = None
    serving_since: str = ""
    services: tuple[ServiceStatus, ...] | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk: Space | None = None
    guard: str | None = None
    watch: str | None = None
    lock: str | None = None
    backup: Manifest | None = None
    keeps_backups: bool = False
    backup_unknown: bool = False
    maintenance: Maintenance | None = None
    balancer: Maintenance | None = None
    last: str = ""
    unknown: tuple[str, ...] = ()


def look(host: HostContext) -> HostStatus:
    """Return how a host stands.

    Raises:
        OpsError: where it cannot be asked.
    """
    asked = commands(host.settings, host.name)
    answers = host.remote.together(tuple(asked.values()), deadline=_DEADLINE)
    return read(host.settings, host.name, dict(zip(asked, answers, strict=True)))


def commands(settings: Settings, host: str) -> dict[str, Command]:
    """Return what a host is asked, by names that `read` knows."""
    docker, paths = Docker(settings.sudo), Paths(settings.directory)
    asked = {
        "services": sampler.Sampling(
            docker,
            settings.project,
            (),
            rounds=_ROUNDS,
            interval=_INTERVAL,
            patience=1,
            log_rounds=_ROUNDS_WITHOUT_LOGS,
        ).command,
        "disk": spaces(docker, settings.directory),
        "release": store.read_command(paths),
        "lock": locking.who(paths.state),
        "guard": guarding.status(paths.state),
        "watch": detached.look(paths.state, samples=False),
        "maintenance": maintenance.look(paths.ingress),
    }
    if settings.balancer:
        asked["balancer"] = balancer.look(settings)
    if any(one.name == host for one in settings.backup_hosts()):
        asked["backup"] = backups.list_(settings.backup.directory).in_dir(settings.directory)
    return asked


def read(settings: Settings, host: str, answers: Answers) -> HostStatus:
    """Return what a host's answers to `commands` come to. Pure."""
    reading = _Reading(answers)
    seen = reading.of("services", _sample) or HostSample(0, 0.0, 0.0, ())
    shelf = reading.of("release", store.parse_shelf)
    if shelf is not None and shelf.doubt:
        reading.unknown.append(f"which release serves: {shelf.doubt}")
    last = (
        next((one for one in served_in_order(shelf.releases) if _ended(one.state)), None) if shelf else None
    )
    serving = shelf.serving if shelf else None
    if answers["services"].ok and seen.containers is None:
        reading.unknown.append("the services: the Docker Engine did not answer")
    catalog = reading.of("backup", backups.parse_catalog) if "backup" in answers else None
    return HostStatus(
        at=seen.at,
        release=None if shelf is None or shelf.doubt else shelf.current,
        serving_since=(serving.finished or serving.started) if serving else "",
        services=services(settings, settings.host(host), seen),
        cpu_percent=seen.cpu_percent,
        memory_percent=seen.memory_percent,
        disk=reading.of("disk", _fullest),
        guard=reading.of("guard", lambda text: story.standing(settings, tuple(text.splitlines()))),
        watch=reading.of("watch", lambda text: kept.read(text).standing()),
        lock=reading.of("lock", _holder),
        maintenance=reading.of("maintenance", maintenance.parse),
        balancer=reading.of("balancer", maintenance.parse) if "balancer" in answers else Maintenance(),
        backup=newest(catalog) if catalog else None,
        keeps_backups="backup" in answers,
        backup_unknown=catalog is None,
        last=f"{last.id}: {last.state.value}" if last and shelf and last.id != shelf.current else "",
        unknown=tuple(reading.unknown),
    )


class _Reading:
    """Reads answers, and keeps which of them said nothing that can be read."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.unknown: list[str] = []

    def of(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return what an answer says; None where that is not known."""
        result = self._answers[name]
        if result.ok:
            try:
                return parse(result.stdout)
            except ValueError as error:
                self.unknown.append(f"{_TOPICS[name]}: {error}")
                return None
        said = (result.stderr.strip().splitlines() or [f"exit code {result.code}"])[-1]
        self.unknown.append(f"{_TOPICS[name]}: {said}")
        return None


_TOPICS = {
    "services": "the services",
    "disk": "the room on its disks",
    "release": "its releases",
    "lock": "who holds the lock",
    "guard": "the guard",
    "watch": "its detached watch",
    "maintenance": "whether visitors are turned away",
    "balancer": "whether it is in its load balancer",
    "backup": "its backups",
}


def _sample(text: str) -> HostSample:
    """The last round."""
    reader = Reader(0)
    found = [sample for line in text.splitlines() if (sample := reader.feed(line))]
    if not found:
        raise ValueError("nothing was said")
    return found[-1]


def _fullest(text: str) -> Space:
    return min(parse_spaces(text).found, key=lambda space: space.free / max(1, space.total))


def _holder(text: str) -> str:
    answer = locking.parse(text)
    if answer.state == "held":
        return str(answer.owner or "its owner is not known")
    if answer.state != "free":
        raise ValueError(f"the host answered {text[:60]!r}")
    return ""


def _ended(state: State) -> bool:
    return state is not State.ADOPTED


def age(then: str, at: float) -> float | None:
    """Return the seconds from `then`, RFC 3339, to `at`; None where either is not known."""
    if not then or not at:
        return None
    try:
        return max(0.0, round(at - datetime.fromisoformat(then).timestamp(), 1))
    except ValueError:
        return None
