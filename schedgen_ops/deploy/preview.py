"""What a deploy would do on a host, found out without changing anything there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schedgen_ops.checklist import arrival, changes, fitting
from schedgen_ops.checklist import look as coming_to
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.command_errors import checked
from schedgen_ops.commands import compose as c
from schedgen_ops.commands import disks, facts, git
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.definition import parse_hashes
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import own_files
from schedgen_ops.deploy.code import meant
from schedgen_ops.deploy.forecast import Row, forecast
from schedgen_ops.deploy.images import ask_ports
from schedgen_ops.deploy.need import needed
from schedgen_ops.deploy.own_files import own_of
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.preflight.host import plugin
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.rollout import by_name, scope
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.text import size
from schedgen_ops.watch.host_sample import memory_used


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen on one host.

    Attributes:
        running: the release that serves, or the commit checked out before the first deploy.
        version: the commit to come, or the tag where releases are images.
        services: (name, action, why, how) of every service on this host that a deploy may touch.
        operations: (step, operation) of all that would be done to it once the images are built.
        by_name: `rollout.by_name` for services of which the config says nothing there, and which fit.
        no_detour: why the ports answer nobody while they change hands the first time, "" where they may not.
        coded: whether it is a commit, whose files and migrations are known.
        pulled: the services whose images are pulled though they are there: only that tells what changed.
        problems: what the config and the new compose file have against each other.
        handed_over: whether the published ports change hands.
        standby: what will stand by afterwards, for how long, and what memory that takes now; "" for nothing.
        begun: ids of the releases that were begun and never ended: a deploy takes them back first.
        need, free: bytes of disk that the deploy would take, roughly, and that there are.
    """

    running: str
    version: str
    changes: git.Changes
    migrations: tuple[str, ...]
    services: tuple[Row, ...]
    operations: tuple[tuple[str, str], ...]
    need: int
    free: int
    elsewhere: tuple[disks.Space, ...] = ()
    begun: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    pulled: tuple[str, ...] = ()
    handed_over: bool = False
    standby: str = ""
    by_name: Mapping[str, int | str] = field(default_factory=dict)
    no_detour: str = ""
    coded: bool = True


def look(host: HostContext, ref: Ref) -> Preview:
    """Return what a deploy of `ref` would do on a host; changes nothing there.

    Raises:
        OpsError: where the ref is not there, or the new compose file is no good.
    """
    settings, docker = host.settings, host.docker
    paths = Paths(settings.directory)
    asked = (
        (sh("git", "rev-parse", "HEAD") if settings.from_git else sh("true")).in_dir(settings.directory),
        store.read_command(paths),
        docker.containers(settings.project),
        disks.spaces(docker, settings.directory),
        facts.no_detour(docker),
        docker.memory() if settings.rollout.standby else sh("true"),
        by_name.command(docker, settings.project),
    )
    plugged, *answers = host.remote.batch((_compose(settings, docker).version(), *asked), deadline=60)
    for problem in plugin(plugged):
        if problem.refuses:
            raise Refused(problem.text, host=host.name, hint=problem.hint)
    if not answers[0].ok:
        raise _no_repository(host, answers[0])
    head, shelf_text, listing, disk, past, memory, listening = (
        checked(*pair, host.name) for pair in zip(asked, answers, strict=True)
    )
    shelf = store.certain(store.parse_shelf(shelf_text.stdout), paths, host.name)
    serving = shelf.serving
    old = serving.commit if serving else head.text
    coming = coming_to.parse(settings, ref, host.run(coming_to.command(settings, ref, old), 300))
    version = version_of(host, ref, coming)
    boxes = engine.parse_containers(listing.stdout)
    written = c.parse_services(json.loads(coming.document or ""), parse_hashes(coming.hashes))
    wanted = fitting.known(settings, written, coming, boxes)
    before = serving.services if serving else ()
    spaces = disks.parse_spaces(disk.stdout)
    changed = changes.paths(coming)
    here = scope.on(wanted, settings, host.entry)
    callable_ = by_name.further(wanted, here, settings, by_name.parse(listening.lines()))
    spoken = ask_ports(host, wanted, serving, by_name.doors(callable_))
    own = own_of(host, wanted, coming.tracked, boxes)
    foreseen = forecast(
        settings, host.entry, wanted, boxes, serving, version, changed, coming.tracked.ids, spoken, own
    )
    wrong = (
        *fitting.unread(coming),
        *fitting.problems(settings, host.entry, wanted, before, boxes),
        *fitting.unmovable(settings, host.entry, wanted, coming),
    )
    return Preview(
        running=serving.id if serving else old[:12] or "what was not deployed by us",
        version=version,
        changes=git.Changes(coming.commits, coming.files),
        migrations=coming.migrations,
        services=foreseen.rows,
        operations=foreseen.lines(),
        need=needed(host, boxes, foreseen.rows),
        free=spaces.project.free,
        elsewhere=tuple(space for space in spaces.found if space.kind in ("docker", "images")),
        problems=(*(each.text for each in wrong), *own_files.lost(host, boxes)),
        begun=tuple(each.id for each in shelf.unfinished) if serving else (),
        coded=settings.from_git,
        handed_over=foreseen.hands_over,
        no_detour=past.text,
        standby=_standing(settings, foreseen.replaced_behind, boxes, memory_used(memory.stdout)),
        by_name=by_name.answering(callable_, spoken),
        pulled=pulled(settings, here),
    )


def version_of(host: HostContext, ref: Ref, coming: Coming) -> str:
    """Return what comes: the commit, or the tag of images that are where they are pulled from.

    Raises:
        OpsError: where the ref is no commit, or an image cannot be had.
    """
    if host.settings.from_git:
        return meant(coming.commit, ref, host.settings.remote, host.name)
    held = coming_to.ask_registry(host, coming)
    for problem in arrival.problems(host.settings, host.entry, coming, held):
        if problem.refuses:
            raise Refused(problem.text, host=host.name, hint=problem.hint)
    return ref.name


def pulled(settings: Settings, services: Iterable[c.Service]) -> tuple[str, ...]:
    """Return the services whose images are pulled though they are there."""
    wanted = {"always": "all", "missing": "picked", "never": "none"}[settings.build.pull]
    return tuple(
        service.name
        for service in services
        if not service.built and (wanted == "all" or (wanted == "picked" and service.picked))
    )


def _compose(settings: Settings, docker: engine.Docker) -> c.Compose:
    return c.Compose(docker, settings.project, settings.directory)


def _no_repository(host: HostContext, answer: Result) -> OpsError:
    """git refuses: there is no repository, or this user may not read it, or ..."""
    said = git.complaint(answer.stderr)
    where, detail = host.settings.directory, answer.stderr.strip()
    if "not a git repository" in said or not said:
        return OpsError(f"no git repository in {where}", host=host.name, detail=detail)
    return OpsError(f"git does not answer in {where}: {said}", host=host.name, detail=detail)


def head(found: Preview) -> tuple[tuple[str, str], ...]:
    """Return the head of a preview as labels and values."""
    return (
        ("Running", found.running),
        *_interrupted(found),
        *(("To mend", text) for text in found.problems),
        ("Would be", found.version),
        *((("New migrations", ", ".join(found.migrations) or "none"),) if found.coded else ()),
        *pulled_anew(found.pulled),
        *_handed_over(found),
        *((("Standby", found.standby),) if found.standby else ()),
        *_called(found),
        ("Disk", f"{size(found.need)} needed at most, {size(found.free)} free{_elsewhere(found)}"),
    )


def pulled_anew(services: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what the head of a preview says of services whose images are pulled anew."""
    return (("Pulled anew", f"{', '.join(services)}; replaced if changed"),) if services else ()


def _interrupted(found: Preview) -> tuple[tuple[str, str], ...]:
    """What a deploy takes back before anything else; a run that still goes on holds the lock."""
    ids = ", ".join(found.begun)
    return (("Taken back first", f"{ids}, unless its run still goes on"),) if ids else ()


def _standing(
    settings: Settings, names: Sequence[str], boxes: Iterable[engine.Container], memory: Mapping[str, int]
) -> str:
    if not settings.rollout.standby or not names:
        return ""
    taken = sum(memory.get(box.name, 0) for box in boxes if box.service in names)
    told = f"what is replaced of {', '.join(names)}, for {settings.rollout.standby}s"
    return f"{told}; it takes {size(taken)} of memory now" if taken else told


def _called(found: Preview) -> tuple[tuple[str, str], ...]:
    """What the config may say of services that others call by name, in its very words."""
    if not found.by_name:
        return ()
    said = ", ".join(f"{name}: {port}" for name, port in found.by_name.items())
    names = " and ".join(found.by_name)
    gives = f"`rollout: {{by_name: {{{said}}}}}` in the config gives drain, weights and canary to that"
    return (("By name", f"{names}, seen at one port that is not published: {gives}"),)


def _handed_over(found: Preview) -> tuple[tuple[str, str], ...]:
    if not found.handed_over:
        return ()
    why = found.no_detour
    told = (
        f"answer nobody for a moment, since {why}"
        if why
        else "go on answering: new connections are led past it"
    )
    return (("Ports", f"change hands once, and {told}"),)


def _elsewhere(found: Preview) -> str:
    return "".join(f", {size(space.free)} in {space.path}" for space in found.elsewhere)


def files(found: Preview) -> tuple[tuple[str, ...], ...]:
    """Return what happens to each file as rows of a table: added, modified or deleted, and its path."""
    return tuple(tuple(line.split("\t", 1)) for line in found.changes.files)
