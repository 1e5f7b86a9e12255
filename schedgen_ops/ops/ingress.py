"""The ingress taken away again: services publish their ports themselves, as their owner wrote it."""

from __future__ import annotations

from schedgen_ops import events
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import ingress
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.ops.services import there
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.orchestrators.contract import NOT_BACK
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import by_name
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Result
from schedgen_ops.rollout.run import changed_hands, not_as_they_were
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_NO_INGRESS, _TURNED_AWAY = 10, 11
# Of a stopped ingress, and of one that was tried out, until what they had begun has ended.
_MARGIN = 300.0


def serving(host: HostContext) -> Release:
    """Return the release that serves behind an ingress.

    Raises:
        Refused: where none does.
    """
    paths = Paths(host.settings.directory)
    found = store.known(host.remote, paths).serving
    if found is None or not behind(found):
        raise Refused("no service here is behind an ingress of ours", host=host.name)
    return found


def behind(release: Release) -> tuple[str, ...]:
    """Return the services that a release has behind the ingress."""
    return tuple(sorted(ingress.behind(release)))


def called(release: Release) -> tuple[str, ...]:
    """Return the services whose names lead to the ingress."""
    return tuple(name for name in behind(release) if any(map(by_name, release.services[name].proxies)))


def command(settings: Settings, release: Release) -> Command:
    """Return the command that takes the ingress away from what serves."""
    compose, paths = compose_of(settings), Paths(settings.directory)
    folder, names = paths.release(release.id), behind(release)
    return host_script(
        "ops/ingress_away",
        title="take the ingress away",
        state=paths.state,
        services=(*names, INGRESS),
        docker=compose.docker.words,
        compose=compose.words_of(folder),
        owner=compose.words_as_written(folder),
        project=settings.project,
        folder=paths.ingress,
        proxy=chosen(settings).name,
        behind=names,
        routes=tuple(route for name in names for route in release.services[name].proxies),
        limit=settings.health.deadline,
    )


def remove(host: HostContext) -> None:
    """Take the ingress away; what was behind it is made anew, with the ports that its owner gave it.

    Raises:
        Refused: where there is none, or it turns visitors away.
        OpsError: where that could not be done; then the ingress has the ports, unless it says otherwise.
    """
    release = serving(host)
    boxes = there(host.remote, host.settings)
    grace = engine.grace([box for name in behind(release) for box in boxes.get(name, ())])
    deadline = 2 * host.settings.health.deadline + 2 * grace + _MARGIN
    answer = host.remote.run(command(host.settings, release), deadline=deadline, check=False)
    if not answer.ok:
        raise _failed(host.name, answer)
    done = changed_hands(answer)
    for text in done.told:
        events.warn(host.emit, text, host.name)
    names = ", ".join(behind(release))
    events.info(host.emit, f"{names}: their containers have the published ports; {done.meanwhile}", host.name)


def _failed(name: str, answer: Result) -> OpsError:
    if answer.code == _NO_INGRESS:
        return Refused("the ingress does not run here", host=name, hint="`inv deploy.recover` starts it.")
    if answer.code == _TURNED_AWAY:
        return Refused("visitors are turned away", host=name, hint="`inv ops.maintenance off` lets them in.")
    if answer.code == NOT_BACK:
        return not_as_they_were(name, answer)
    *before, said = (answer.stderr.strip() or f"exit code {answer.code}").splitlines()
    return OpsError(
        f"the ingress was not taken away: {said}",
        host=name,
        detail="\n".join(before[-20:]),
        hint="It has the ports, as before.",
    )
