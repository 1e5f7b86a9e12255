"""What Compose runs of a project where a Swarm is to: asked, stopped, brought back, removed, verified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schedgen_ops.commands import moving
from schedgen_ops.commands.moving import ComposeSide, Surveyed
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.verify import serving

_LOOK = 120.0
# How long containers may take to end by themselves, as far as anybody waits for the answer.
_LONGEST = 3600.0
_TRIES = 15


def survey(host: HostContext, ports: Iterable[int] = (), *, sized: bool = False) -> Surveyed:
    """Return what a node has of the project.

    Args:
        ports: those of which is asked whether something answers there.
        sized: whether it is told how large volumes are, which may take a while.

    Raises:
        OpsError: where it cannot be asked.
    """
    settings = host.settings
    what = (settings.project, settings.directory, _record(settings), ports)
    command = moving.survey(host.docker, *what, sized=sized)
    answer = host.run(command, _LOOK)
    try:
        return moving.parse_survey(answer.stdout)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OpsError(f"what it has of the project cannot be read: {error}", host=host.name) from error


def away(host: HostContext, release: ReleaseId) -> None:
    """Stop all that Compose runs on a host; it stays there, and is noted."""
    host.run(_side(host).away(release), _LONGEST)


def back(host: HostContext) -> int:
    """Start again what was stopped, wait until it is well, and return how many containers that are.

    Raises:
        OpsError: where it does not get well in time; what is noted stays noted.
    """
    limit = host.settings.health.deadline
    try:
        said = host.run(_side(host).back(limit), 2 * limit + _LONGEST).lines()
    except CommandFailed as error:
        why = (error.detail.strip().splitlines() or [error.message])[-1]
        hint = "`docker ps -a` there shows them; `inv deploy.recover` tries again once that is mended."
        text = f"what Compose ran was stopped, and does not run again: {why}"
        raise OpsError(text, host=host.name, hint=hint) from error
    return moving.said("started", said)


def over(host: HostContext) -> int:
    """Remove what was stopped, and return how many containers that were."""
    return moving.said("removed", host.run(_side(host).over(), _LOOK + QUICK).lines())


def wrong(host: HostContext, services: tuple[str, ...], hosts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return which checks of what Compose runs on a host do not pass, after some patience.

    Args:
        services: those that it is to run there.
        hosts: the same for every host that it runs on.
    """
    known = HostContext(host.remote, composed(host.settings, hosts), host.clock, host.emit, host.sign_in)
    for _ in range(_TRIES):
        found = serving.wrong(known, services)
        if not found:
            return []
        # The ingress sees what was started a moment later.
        host.run(sh("sleep", "1"))
    return [f"{host.name}: {each.check}: {each.text}" for each in found]


def composed(settings: Settings, hosts: Mapping[str, tuple[str, ...]]) -> Settings:
    """Return the settings of an environment as Compose runs it, by what it runs on each host."""
    every = tuple(host.model_copy(update={"services": hosts.get(host.name, ())}) for host in settings.hosts)
    return settings.model_copy(update={"orchestrator": "compose", "hosts": every})


def _record(settings: Settings) -> str:
    return f"{Paths(settings.directory).state}/move/stopped"


def _side(host: HostContext) -> ComposeSide:
    return ComposeSide(host.docker, host.settings.project, _record(host.settings))
