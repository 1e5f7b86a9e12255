"""Containers that a release replaced, and that stand by for a while, to serve again at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from schedgen_ops.commands.docker import INGRESS, Docker, grace, parse_containers
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.host_context import QUICK
from schedgen_ops.host_scripts import host_script
from schedgen_ops.orchestrators import chosen as orchestrator_of
from schedgen_ops.proxy import chosen
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.remote import Remote
from schedgen_ops.rollout import run as roller
from schedgen_ops.rollout.operations import Revert
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.versions import Version, versions
from schedgen_ops.settings import Settings

_STOPPING = 120.0


@dataclass(frozen=True, slots=True)
class Standby:
    """What stands by on a host.

    Attributes:
        release, newer: the ids of the release that it is of, and of the one that replaced it.
        until: when it ends, in seconds since 1970 by the host's clock.
        services: whose containers stand by.
    """

    release: ReleaseId
    newer: ReleaseId
    until: int
    services: tuple[str, ...]


def suits(host_run: HostRun) -> tuple[str, ...]:
    """Return the services of which what the release replaced may stand by; none in a rollback.

    Only what is behind the ingress gets all that comes by weights alone, and a worker would go on working.
    """
    new, old = host_run.release, host_run.old
    if not host_run.settings.rollout.standby or new.restores or old is None:
        return ()
    beside = {name for name, record in new.services.items() if record.proxies and registry.of(record).beside}
    return tuple(name for name in host_run.touched if name in beside & {*old.services} & {*host_run.alone})


def keep(host_run: HostRun, services: Iterable[str]) -> None:
    """Let what the release replaced of these stand by, for as long as the config says.

    Raises:
        OpsError: where that cannot be; nothing of it stands by then.
    """
    names, old, settings = tuple(services), host_run.old, host_run.settings
    if not names or old is None:
        return
    state, new, stand_by = host_run.paths.state, host_run.release, host_run.orchestrator.stand_by
    drain, proxy = settings.rollout.drain, chosen(settings)
    commands = [
        stand_by(state, name, new.services[name], drain, proxy=proxy, release_id=new.id) for name in names
    ]
    begin = host_script(
        "standby/begin",
        title="stand by",
        **_given(settings),
        release=old.id,
        newer=new.id,
        seconds=settings.rollout.standby,
    )
    try:
        at_once([partial(host_run.run, command, _STOPPING) for command in commands])
        host_run.run(begin)
    except OpsError:
        end(host_run.remote, settings)
        raise
    finally:
        host_run.containers_changed()
    host_run.say(f"{', '.join(names)} of {old.id} stand by for {settings.rollout.standby}s")


def end(remote: Remote, settings: Settings) -> None:
    """Remove what stands by."""
    remote.run(host_script("standby/end", title="end the standby", **_given(settings)), deadline=_STOPPING)


def look(remote: Remote, settings: Settings) -> Standby | None:
    """Return what stands by on a host; None for nothing that could serve again."""
    asked = host_script("standby/look", title="look at the standby", **_given(settings))
    words = remote.run(asked, deadline=QUICK).text.split()
    if len(words) < 4:
        return None
    release, newer, until, *services = words
    return Standby(ReleaseId(release), ReleaseId(newer), int(until), tuple(services))


def newer_goes(
    remote: Remote, settings: Settings, standby: Standby, newer: Release, tell: Callable[[str], None]
) -> None:
    """Drain and remove what replaced what stood by: an ingress that is opened to all would lead there again.

    Args:
        newer: its release; another one is named as what serves by now.
        tell: takes what an operator should know of requests that were open.

    Raises:
        OpsError: where it does not go.
    """
    commands = OperationRenderer(orchestrator_of(settings), settings)
    boxes = parse_containers(remote.run(commands.orchestrator.containers(), deadline=QUICK).stdout)
    patience = grace(box for box in boxes if box.service in standby.services)

    def gone(new: Version) -> None:
        roller.end(remote, commands, Revert(new, None), tell, patience)

    at_once([partial(gone, new) for new in versions(newer, standby.services)])


def back(
    remote: Remote, settings: Settings, standby: Standby, old: Release, moved: Callable[[str], None]
) -> None:
    """Let what stands by serve again.

    Args:
        old: its release.
        moved: is told of each service that gets all requests by then.

    Raises:
        OpsError: where not all of it does, or not all of it is as it was.
    """
    limit = settings.health.deadline
    command = host_script(
        "standby/back",
        title="serve again",
        **_given(settings),
        services=(*standby.services, INGRESS),
        standing=standby.services,
        proxy=chosen(settings).name,
        pairs=[f"{name}={route}" for name in standby.services for route in old.services[name].proxies],
        limit=limit,
    )

    def line(text: str) -> None:
        word, _, service = text.partition(" ")
        if word == "moved":
            moved(service)

    remote.stream(command, line, deadline=limit + _STOPPING)


def _given(settings: Settings) -> dict[str, str | tuple[str, ...]]:
    return {
        "docker": Docker(settings.sudo).words,
        "project": settings.project,
        "state": Paths(settings.directory).state,
    }
