"""Steps 2, 3 and 8: the images of a release made, used for the schema, dropped when nobody needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from schedgen_ops.checklist import fitting
from schedgen_ops.commands import compose as c
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import files
from schedgen_ops.deploy import as_found, carrying, own_files, pulling
from schedgen_ops.deploy.classic import note
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.resolving import resolve
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import routes as routes_of
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State, kept, origin
from schedgen_ops.rollout import counting, scope, state
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import spoken as spoken_of
from schedgen_ops.rollout.spoken import NOTHING_ASKED, Spoken
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.strategies.contract import Strategy
from schedgen_ops.settings import HostSettings, Settings

LED_LATER = "its name leads to the ingress from the next deploy on"


def describe(
    settings: Settings,
    host: HostSettings,
    services: Iterable[c.Service],
    release_id: ReleaseId,
    known: Release | None,
    tracked: Mapping[str, str],
    running: Sequence[engine.Container] = (),
    spoken: Spoken = NOTHING_ASKED,
    *,
    as_it_runs: bool = False,
    own: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> dict[str, ServiceRecord]:
    """Return the record of each service that a release is to run on a host, without the images' ids.

    Args:
        spoken: what published ports speak, as `ask_ports` tells.
        known: the release before, which knows how long replacing a service took.
        tracked: path in the project to git object id, of the files that services mount.
        running: the project's containers: as many are kept where the compose file says no number.
        as_it_runs: whether that is what its owner started: none of it has a name of ours.
        own: by a service's name, where in its containers are files that the release has for itself.
    """
    count = counting.running(running, known)
    records: dict[str, ServiceRecord] = {}
    hows, before_all = _hows(services, settings, host, known)
    gated = [_as_called(service, settings, before_all) for service in _gated(hows)]
    raw = spoken_of.raw(gated, settings, before_all, spoken)
    routes = routes_of(gated, settings.checks)
    for service, how in hows.items():
        before = before_all.get(service.name)
        proxies = tuple(route.proxy for route in routes if route.service == service.name)
        called = service.name in settings.rollout.by_name and not as_it_runs
        alias = rollout.alias(settings.project, service.name) if proxies or called else ""
        records[service.name] = ServiceRecord(
            image=rollout.image_name(settings.project, service.name, release_id),
            image_id="",
            definition=rollout.definition(service, tracked, settings.directory, alias if called else ""),
            written=service.definition,
            replicas=service.replicas if service.counted else count.get(service.name, 1),
            strategy=how.name,
            proxies=proxies,
            needs=service.needs,
            restarts_with=service.restarts_with,
            seconds=before.seconds if before else 0.0,
            alias=alias,
            raw=tuple(name for name in proxies if name in raw),
            counted=service.counted,
            uses=service.uses,
            own_files=own.get(service.name, ()),
        )
    return records


def _hows(
    services: Iterable[c.Service], settings: Settings, host: HostSettings, known: Release | None
) -> tuple[dict[c.Service, Strategy], Mapping[str, ServiceRecord]]:
    """How the services of a host are replaced, and what the release before says of them."""
    here, before = scope.on(services, settings, host), known.services if known else {}
    chosen_hows = registry.chosen(here, settings, before)
    return {service: chosen_hows[service.name] for service in here}, before


def _gated(hows: Mapping[c.Service, Strategy]) -> list[c.Service]:
    return [service for service, how in hows.items() if how.behind]


def _as_called(service: c.Service, settings: Settings, known: Mapping[str, ServiceRecord]) -> c.Service:
    """A service with the port where it is called by name, if it is by way of the ingress."""
    by_name = registry.called(service, settings, known.get(service.name))
    return replace(service, called=settings.rollout.called[service.name][0]) if by_name else service


def pin(
    host_run: HostRun,
    release_id: ReleaseId,
    services: Iterable[c.Service],
    records: Mapping[str, ServiceRecord],
    before: Release | None = None,
    sources: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the compose file of a release: its own image names, our labels, and the ingress if it has one.

    Args:
        before: the release whose containers the ingress still leads to, while this one is brought.
        sources: what is mounted instead of paths of the host.
    """
    folder, settings = host_run.paths.release(release_id), host_run.settings
    behind = spoken_of.behind(services, records)
    routes = spoken_of.led(behind, settings, records, _found_as(records, before))
    proxy, networks = chosen(settings), _names(behind)
    gate = proxy.service(settings.ingress.image, host_run.paths.ingress, routes, networks) if routes else None
    text = proxy.render(routes, gate, settings.ingress)
    host_run.run(files.replace(f"{folder}/{proxy.config_name}", text))
    host_run.run(
        host_run.orchestrator.pin(folder, rollout.overlay(records, release_id, gate, services, sources))
    )


def _names(behind: Iterable[c.Service]) -> dict[str, set[str]]:
    """The networks of what is behind the ingress, and the names there of what is called by them."""
    found: dict[str, set[str]] = {}
    for service in behind:
        for network in service.networks:
            further = {alias for where, alias in service.aliases if where == network}
            found.setdefault(network, set()).update({service.name, *further} if service.called else ())
    return found


def _found_as(records: Mapping[str, ServiceRecord], before: Release | None) -> dict[str, str]:
    """The names of containers that are no other project's, where those that run have them too."""
    known = before.services if before else {}
    led = {name: record for name, record in known.items() if record.proxies}
    return {
        name: record.alias
        for name, record in records.items()
        if record.alias and (name not in led or led[name].alias == record.alias)
    }


def ask_ports(
    host: HostContext, services: Sequence[c.Service], known: Release | None, more: Iterable[str] = ()
) -> Spoken:
    """Ask the published ports of which nothing says that they speak HTTP: in one round trip, or none.

    Args:
        known: the release that serves.
        more: further doors to ask.
    """
    hows, before = _hows(services, host.settings, host.entry, known)
    doors = tuple(dict.fromkeys((*spoken_of.to_ask(_gated(hows), host.settings, before), *more)))
    if not doors:
        return NOTHING_ASKED
    return spoken_of.parse(host.run(spoken_of.command(doors), spoken_of.DEADLINE).stdout)


Make = Callable[[HostRun, Mapping[str, ServiceRecord]], None]


def build(host_run: HostRun, make: Make | None = None) -> None:
    """Build every image of the new release under the release's own names; touch nothing that runs.

    Args:
        make: has the images there that are built; None builds those that the host's services run.
    """
    release = host_run.release
    host_run.services, files_told = resolve(host_run, release.id, release.commit, release.tag)
    own_files.bring(host_run, files_told)
    tracked, spoken = files_told.ids, ask_ports(host_run.context, host_run.services, host_run.old)
    records = _described(host_run, tracked, spoken)
    pin(host_run, release.id, host_run.services, records, host_run.old, host_run.own.sources)
    at_once(
        [partial(pulling.pull, host_run, records), partial(make or build_here, host_run, records)],
        interrupt=host_run.remote.interrupt,
    )
    share(host_run, records)
    for name, record in records.items():
        if record.alias and not record.proxies:
            host_run.say(f"Service {name}: {LED_LATER}")
    records = _as_made(host_run, records, tracked, spoken)
    host_run.new = replace(release, services=records)
    store.write(host_run.remote, host_run.paths, host_run.new)
    as_found.counted(host_run)


def _described(host_run: HostRun, tracked: Mapping[str, str], spoken: Spoken) -> dict[str, ServiceRecord]:
    host, old, boxes = host_run.host, host_run.old, host_run.containers()
    release = host_run.release.id
    settings, own = host_run.settings, host_run.own.targets
    return describe(settings, host, host_run.services, release, old, tracked, boxes, spoken, own=own)


def told_built(host_runs: Iterable[HostRun]) -> str:
    """Return in words whether any image was built."""
    if any(host_run.built for host_run in host_runs):
        return "Containers built successfully"
    return "Nothing to build: every image comes from elsewhere"


def build_here(host_run: HostRun, _: Mapping[str, ServiceRecord], others: Collection[str] = ()) -> None:
    """Build the images that a host's services run.

    Args:
        others: services of other hosts whose images are built here too.
    """
    scope = [service for service in host_run.services if service in host_run.scope or service.name in others]
    built = sorted({service.image_of or service.name for service in scope if service.built})
    if built:
        folder, pull = host_run.paths.release(host_run.release.id), host_run.settings.build.pull == "always"
        command = host_run.orchestrator.build(folder, *built, pull=pull)
        look = note(host_run.building)
        host_run.stream(command, host_run.settings.build.deadline, "Container build", look)
        host_run.building.clear()
        host_run.built = tuple(built)


def _tell(host_run: HostRun, before: Mapping[str, ServiceRecord], now: Mapping[str, ServiceRecord]) -> None:
    whys = {service.name: service.once for service in host_run.scope}
    for name, record in now.items():
        if record.strategy != before[name].strategy:
            host_run.say(f"Service {name} is replaced {record.strategy}: {whys[name]}, as its image says")


def share(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
    """Give what one service builds to those that run it too, under the release's names for them."""
    tags = []
    for service in host_run.scope:
        if service.image_of:
            # A builder that belongs on another host alone has built under its owner's name here.
            builder = records.get(service.image_of)
            made = builder.image if builder else service.image
            tags.append(host_run.docker.tag(made, records[service.name].image))
    pulling.tag(host_run, tags)


def _as_made(
    host_run: HostRun, records: Mapping[str, ServiceRecord], tracked: Mapping[str, str], spoken: Spoken
) -> dict[str, ServiceRecord]:
    """The records with what only images tell: their ids, and of which services there can only be one at once.

    Raises:
        OpsError: where the config asks for two of those; nothing is replaced yet.
    """
    if not records:
        return {}
    settings, release = host_run.settings, host_run.release
    told = host_run.run(host_run.docker.images_told(*(record.image for record in records.values()))).stdout
    made = dict(zip(records, engine.parse_images(told), strict=True))
    declared = {name: image.volumes for name, image in made.items()}
    host_run.services = state.judged(host_run.services, settings, declared, tracked)
    if problem := next(fitting.twice(settings, host_run.scope), None):
        raise OpsError(problem.text, host=host_run.remote.name, hint=problem.hint)
    known = _described(host_run, tracked, spoken)
    if known != dict(records):
        pin(host_run, release.id, host_run.services, known, host_run.old, host_run.own.sources)
        _tell(host_run, records, known)
    pulled = {service.name: service.image for service in host_run.scope if not service.built}
    return {
        name: replace(record, image_id=made[name].id, digest=made[name].digest_of(pulled.get(name, "")))
        for name, record in known.items()
    }


def drop(host_run: HostRun) -> None:
    """Remove the image names of the new release, which will never serve, and what its build left behind."""
    if host_run.settings.carried:
        host_run.remote.run(carrying.forget(host_run.paths), deadline=QUICK, check=False)
    if host_run.building:
        host_run.remote.run(host_run.docker.remove(*host_run.building), deadline=QUICK, check=False)
    if host_run.new is not None:
        _untag(host_run, {host_run.new.id}, ())
        pulling.forget(host_run, (host_run.new,))
        own_files.drop(host_run, host_run.new.id)


def sweep(host_run: HostRun) -> None:
    """Remove the image names of releases that were taken back: a container may have kept them until now."""
    gone = {r.id for r in host_run.seen.shelf.releases if r.state in (State.FAILED, State.BROKEN)}
    if gone:
        _untag(host_run, gone, ())


def clean_up(host_run: HostRun) -> None:
    """Remove the image names of releases beyond the kept ones; an image goes with its last name."""
    shelf = store.known(host_run.remote, host_run.paths)
    keep = kept(shelf.releases, shelf.current, host_run.settings.releases.keep)
    asked = _untag(host_run, {release.id for release in shelf.releases}, keep)
    pulling.forget(host_run, shelf.releases, keep)
    own_files.tell_left(host_run)
    own_files.clean_up(host_run, {*(release.id for release in keep), *shelf.torn})
    dropped = len({*asked} - _named(host_run).keys()) if asked else 0
    count = len({origin(shelf.releases, release) for release in keep})
    host_run.say(f"Old images cleaned up ({dropped} removed, {count} releases kept)")


def _untag(host_run: HostRun, releases: Collection[ReleaseId], keep: Collection[Release]) -> tuple[str, ...]:
    """Asks for names to be removed, and returns them; one whose image a container uses may stay."""
    names = rollout.names_to_drop(_named(host_run), keep, host_run.settings.project, releases)
    if names:
        host_run.remote.run(host_run.docker.untag(*names), deadline=120, check=False)
    return tuple(names)


def _named(host_run: HostRun) -> dict[str, str]:
    listing = host_run.run(host_run.docker.images(f"{host_run.settings.project}-*"))
    return dict(line.rsplit(" ", 1) for line in listing.lines())
