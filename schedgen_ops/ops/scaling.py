"""A service brought to another number of containers: a deploy keeps it where the compose file says none."""

from __future__ import annotations

from schedgen_ops import events
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.ops.services import there
from schedgen_ops.orchestrators.compose import compose_of, only_name
from schedgen_ops.proxy import chosen
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.remote import Remote
from schedgen_ops.rollout.strategies import registry as strategies
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# The ingress has ten places for a service, and a deploy needs some for the new ones beside the old.
MOST = 8
_QUICK = 60.0


def allowed(remote: Remote, settings: Settings, service: str) -> tuple[Release, ServiceRecord]:
    """Return what the serving release says of a service that may have several containers.

    Raises:
        Refused: where nothing was deployed yet, or two of it would be two different ones, or would want the
            same port.
    """
    paths = Paths(settings.directory)
    serving = store.known(remote, paths).serving
    record = serving.services.get(service) if serving else None
    if serving is None or record is None:
        text = f"no release of ours serves {service} here, and only those can be scaled"
        raise Refused(text, host=remote.name, hint="`inv deploy` makes one.")
    if strategies.of(record).ends:
        raise Refused(f"{service} is a job, which runs once at every release", host=remote.name)
    if not strategies.of(record).beside:
        text = f"{service} may have state, or ports of its own: two of it would be two different ones"
        raise Refused(
            text, host=remote.name, hint="`rollout.start_first` or `rollout.ingress` says otherwise."
        )
    return serving, record


def command(
    settings: Settings, release: Release, service: str, record: ServiceRecord, wanted: int
) -> Command:
    """Return the command that brings a service to `wanted` containers."""
    compose, paths = compose_of(settings), Paths(settings.directory)
    return host_script(
        "ops/scale",
        title=f"scale {service}",
        state=paths.state,
        services=(service,),
        docker=compose.docker.words,
        compose=compose.words_of(paths.release(release.id)),
        project=settings.project,
        service=service,
        wanted=wanted,
        proxy=chosen(settings).name,
        proxies=record.proxies,
        alias=only_name(record),
        limit=settings.health.deadline,
        drain=settings.rollout.drain,
    )


def scale(remote: Remote, settings: Settings, emit: events.Emit, service: str, wanted: int) -> None:
    """Bring a service to `wanted` containers, and say how many were seen.

    Raises:
        Refused: where it may have only one.
        OpsError: where new ones do not become well; they are removed then.
    """
    release, record = allowed(remote, settings, service)
    boxes = there(remote, settings).get(service, ())
    deadline = settings.health.deadline + settings.rollout.drain + engine.grace(boxes) + 2 * _QUICK
    result = remote.run(command(settings, release, service, record, wanted), deadline=deadline, check=False)
    if not result.ok:
        said = (result.stderr.strip() or f"exit code {result.code}").splitlines()[-1]
        raise OpsError(
            f"{service} was not scaled: {said}", host=remote.name, hint="`inv doctor` looks for the cause."
        )
    seen = there(remote, settings).get(service, ())
    if len(seen) != wanted or not all(box.good for box in seen):
        raise OpsError(f"{service} has {len(seen)} containers, not {wanted} that are well", host=remote.name)
    events.info(emit, f"{service} has {wanted} {'container' if wanted == 1 else 'containers'}", remote.name)
    if not record.counted:
        events.info(emit, "a deploy keeps that number: the compose file says none", remote.name)
    elif wanted != record.replicas:
        text = (
            f"a deploy that replaces {service} makes {record.replicas} of it again, as its compose file says"
        )
        events.warn(emit, f"{text}: write `deploy.replicas: {wanted}` there to keep them", remote.name)
