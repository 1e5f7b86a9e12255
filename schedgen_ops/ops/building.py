"""Images of services built or pulled anew, beside what runs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from schedgen_ops import events
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.compose import Compose, Service, parse_services
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.log_excerpt import telling
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings

_QUICK = 60.0
ALL = "all"


def build(
    remote: Remote, settings: Settings, emit: events.Emit, services: Sequence[str], *, cache: bool
) -> None:
    """Build the images of services, or pull those from elsewhere; nothing that runs is touched.

    An image that the serving release needs and that is gone gets its name again.

    Args:
        services: their names; none is every service that is built.
        cache: whether layers of earlier builds may be used.
    """
    docker = engine.Docker(settings.sudo)
    classic = not remote.run(docker.has_buildx(), deadline=_QUICK, check=False).ok
    compose = compose_of(settings, classic=classic)
    known = _services(remote, compose)
    wanted = services or tuple(name for name, service in known.items() if service.built)
    ours = (known[name].image_of or name for name in wanted if name in known and known[name].built)
    built = list(dict.fromkeys(ours))
    pulled = [name for name in wanted if name in known and not known[name].built]
    options = () if cache else ("--no-cache",)
    if built:
        _stream(remote, emit, compose, settings, "build", *options, *built)
    if pulled:
        _stream(remote, emit, compose, settings, "pull", *pulled)
    for name in (*built, *pulled):
        _named_again(remote, settings, emit, known[name])
        events.info(emit, f"{name}: image {'built' if name in built else 'pulled'}", remote.name)


def _services(remote: Remote, compose: Compose) -> dict[str, Service]:
    asked = compose.by_owner("--profile", "*", "config", "--format", "json").kept_private()
    document = json.loads(remote.run(asked, deadline=_QUICK).stdout)
    return {service.name: service for service in parse_services(document, {})}


def known(remote: Remote, settings: Settings, services: Sequence[str]) -> None:
    """Refuse services that the compose file does not have.

    Raises:
        ConfigError: naming those there are.
    """
    found = _services(remote, compose_of(settings))
    unknown = [name for name in services if name not in found]
    if unknown:
        text = f"no service {', '.join(unknown)} in the compose file"
        raise ConfigError(text, hint=f"There are: {', '.join(sorted(found))}.")


def _stream(remote: Remote, emit: events.Emit, compose: Compose, settings: Settings, *argv: str) -> None:
    said: list[str] = []

    def on_line(line: str) -> None:
        said.append(line)
        emit(events.Output(line, remote.name))

    command = compose.by_owner(*argv)
    result = remote.stream(command, on_line, deadline=settings.build.deadline, check=False)
    if not result.ok:
        hint = "`inv doctor --issue 2` looks for the cause."
        raise OpsError(
            f"docker compose {argv[0]} failed",
            host=remote.name,
            detail="\n".join(telling(said[-300:])),
            hint=hint,
        )


def _named_again(remote: Remote, settings: Settings, emit: events.Emit, service: Service) -> None:
    """The serving release's name for an image of which it has none any more."""
    serving = store.read(remote, Paths(settings.directory)).serving
    record = serving.services.get(service.name) if serving else None
    docker = engine.Docker(settings.sudo)
    if record is None or remote.run(docker.image_ids(record.image), deadline=_QUICK, check=False).ok:
        return
    owners = service.image or f"{settings.project}-{service.name}"
    remote.run(docker.tag(owners, record.image), deadline=_QUICK)
    text = f"{record.image} was gone and is this image now; the next deploy records it"
    events.warn(emit, text, remote.name)
