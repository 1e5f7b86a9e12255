"""Containers of chosen services restarted, stopped or started on a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops import events
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.ops import remote_commands
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.rollout import scope
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_QUICK = 60.0
Boxes = Mapping[str, tuple[engine.Container, ...]]


def there(remote: Remote, settings: Settings) -> Boxes:
    """Return the containers of each service that a host has or should have."""
    listing = remote.run(engine.Docker(settings.sudo).containers(settings.project), deadline=_QUICK)
    host = settings.host(remote.name)
    found: dict[str, tuple[engine.Container, ...]] = dict.fromkeys(settings.services_on(host), ())
    for box in engine.parse_containers(listing.stdout):
        found[box.service] = (*found.get(box.service, ()), box)
    return found


def chosen(wanted: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the services that were named, separated by commas.

    Raises:
        ConfigError: for one that no host has, naming those there are.
    """
    names = tuple(dict.fromkeys(part.strip() for part in wanted.split(",")))
    unknown = [name or repr(name) for name in names if name not in known]
    if unknown:
        text = f"no service {', '.join(unknown)} in this environment"
        raise ConfigError(text, hint=f"There are: {', '.join(sorted(known))}.")
    return names


def restart(remote: Remote, settings: Settings, emit: events.Emit, services: Sequence[str]) -> None:
    """Restart all containers of services, and say so once they were seen well."""
    docker = engine.Docker(settings.sudo)
    for service, boxes in _of(remote, settings, services).items():
        if not boxes:
            raise _nothing(remote, service)
        jobs = _jobs(boxes)
        limit = _limit(settings, bool(jobs))
        command = remote_commands.restart(docker, [box.id for box in boxes], limit, jobs)
        _do(remote, command, f"{service} was restarted and", limit + engine.grace(boxes))
        _well(emit, remote, f"{service} restarted", boxes)
        _after(remote, settings, emit, service)


def _after(remote: Remote, settings: Settings, emit: events.Emit, *services: str) -> None:
    """Restart what runs and uses the network, or the like, of containers that were just started.

    It has what they had before, and would be cut off for good.
    """
    docker, found = engine.Docker(settings.sudo), there(remote, settings)
    began = [box for service in services for box in found.get(service, ())]
    while began:
        ids, names = {box.id for box in began}, {box.service for box in began}
        running = [box for boxes in found.values() for box in boxes if box.status == "running"]
        began = [box for box in running if box.service not in names and ids & {id_ for id_, _ in box.uses}]
        if began:
            users = ", ".join(dict.fromkeys(box.service for box in began))
            jobs = _jobs(began)
            limit = _limit(settings, bool(jobs))
            command = remote_commands.restart(docker, [box.id for box in began], limit, jobs)
            _do(remote, command, f"{users} was restarted and", limit + engine.grace(began))
            what = f"{users}, whose container uses that of {', '.join(sorted(names))}, restarted"
            _well(emit, remote, what, began)


def stop(remote: Remote, settings: Settings, emit: events.Emit, services: Sequence[str]) -> None:
    """Stop all containers of services; they stay there, and stay stopped."""
    docker = engine.Docker(settings.sudo)
    for service, boxes in _of(remote, settings, services).items():
        running = [box for box in boxes if box.status not in ("exited", "created", "dead")]
        if running:
            ids = [box.id for box in running]
            remote.run(docker("stop", *ids).named(f"stop {service}"), deadline=_QUICK + engine.grace(running))
        left = [box.name for box in there(remote, settings).get(service, ()) if box.status == "running"]
        if left:
            raise OpsError(f"{', '.join(left)} still runs", host=remote.name)
        again = f"`inv ops.start {service}` starts it; a deploy that replaces it does too"
        events.info(emit, f"{service} is stopped: {again}", remote.name)


def start(remote: Remote, settings: Settings, emit: events.Emit, services: Sequence[str]) -> None:
    """Start what is stopped or paused, but a job that has ended well.

    A service without a container gets the serving release's.
    """
    found = _of(remote, settings, services)
    over = [
        name for name, boxes in found.items() if boxes and all(box.job and box.ended_well for box in boxes)
    ]
    # All at once, and waited for together: one may need another.
    begun = [box for name, boxes in found.items() for box in boxes if name not in over]
    if begun:
        names, jobs = dict.fromkeys(box.service for box in begun), _jobs(begun)
        limit = _limit(settings, bool(jobs))
        ids = [box.id for box in begun]
        command = remote_commands.start(engine.Docker(settings.sudo), ids, limit, jobs)
        _do(remote, command, f"{', '.join(names)} started and", limit)
    for service in (name for name, boxes in found.items() if not boxes):
        command, limit = _created(remote, settings, service)
        _do(remote, command, f"{service} was started and", limit)
    seen = there(remote, settings)
    for service in over:
        text = f"{service} is a job that has ended well: `inv ops.restart {service}` runs it again"
        events.info(emit, text, remote.name)
    for service in (name for name in found if name not in over):
        _well(emit, remote, f"{service} started", seen.get(service, ()))
    _after(remote, settings, emit, *(name for name, boxes in found.items() if not _ran(boxes)))


def _ran(boxes: Sequence[engine.Container]) -> bool:
    return bool(boxes) and all(box.status == "running" for box in boxes)


def serving(remote: Remote, settings: Settings) -> str:
    """Return the folder of the release that serves; "" where nothing was deployed by us yet.

    Raises:
        Refused: where nobody knows which one serves.
    """
    shelf = _shelf(remote, settings)
    return Paths(settings.directory).release(shelf.current) if shelf.current else ""


def _shelf(remote: Remote, settings: Settings) -> store.Shelf:
    paths = Paths(settings.directory)
    return store.known(remote, paths)


def _created(remote: Remote, settings: Settings, service: str) -> tuple[Command, int]:
    """The command that makes a service's containers, and the seconds that it waits for them."""
    compose, shelf, paths = compose_of(settings), _shelf(remote, settings), Paths(settings.directory)
    if not shelf.current:
        by_owner = compose.by_owner("up", "--detach", "--no-deps", "--wait", service)
        return by_owner, settings.health.deadline
    folder = paths.release(shelf.current)
    record = shelf.serving.services.get(service) if shelf.serving else None
    limit = _limit(settings, record is not None and scope.ends(record))
    if record is not None and scope.ends(record):
        return compose.run_job(paths.state, folder, service, limit, release_id=shelf.current), limit
    return compose.up(folder, service, limit), limit


def _jobs(boxes: Sequence[engine.Container]) -> list[str]:
    return [box.id for box in boxes if box.job]


def _limit(settings: Settings, job: bool) -> int:
    """Seconds that containers are waited for."""
    return max(settings.health.deadline, settings.rollout.job_deadline if job else 0)


def _of(remote: Remote, settings: Settings, services: Sequence[str]) -> Boxes:
    found = there(remote, settings)
    return {service: found[service] for service in services if service in found}


def _nothing(remote: Remote, service: str) -> OpsError:
    return OpsError(
        f"{service} has no container here", host=remote.name, hint=f"`inv ops.start {service}` makes one."
    )


def _do(remote: Remote, command: Command, what: str, limit: float) -> None:
    result = remote.run(command, deadline=limit + _QUICK, check=False)
    if not result.ok:
        said = (result.stderr.strip() or f"exit code {result.code}").splitlines()[-1]
        raise OpsError(
            f"{what} is not well: {said}",
            host=remote.name,
            hint="`inv doctor` looks for the cause; `inv rollback` goes back to the release before.",
        )


def _well(emit: events.Emit, remote: Remote, what: str, boxes: Sequence[engine.Container]) -> None:
    count = f"{len(boxes)} containers" if len(boxes) > 1 else "its container"
    events.info(emit, f"{what}: {count} seen well", remote.name)
