"""Files that a release has for itself on a host: made, looked at, and removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from schedgen_ops.commands import own_files as commands
from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.docker import Container
from schedgen_ops.commands.own_files import Tracked
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.host_context import HostContext
from schedgen_ops.preflight import mounted
from schedgen_ops.release.paths import TREE, Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import own_files, scope
from schedgen_ops.rollout.own_files import Own

# Seconds that a copy of a whole project may take.
_LONG = 600.0

Written = Mapping[str, tuple[str, ...]]
"""What containers have written, as paths in the repository, by the release whose files these are."""


def bring(host_run: HostRun, tracked: Tracked) -> None:
    """Decide what of the mounted files the new release has for itself, and copy that into its folder."""
    settings, release = host_run.settings, host_run.release
    if not settings.from_git:
        return
    folder = host_run.paths.release(release.id)
    own = own_of(host_run.context, host_run.services, tracked, host_run.containers(), f"{folder}/{TREE}")
    host_run.own = own
    if own.paths:
        host_run.run(
            commands.make(settings.directory, folder, release.commit, own.paths, own.extra, own.points), _LONG
        )
        host_run.say(f"The release has files for itself: {', '.join(own.paths)}")


def own_of(
    host: HostContext,
    services: Iterable[Service],
    tracked: Tracked,
    boxes: Collection[Container],
    tree: str = TREE,
) -> Own:
    """Return what of its mounted files a release has for itself on a host, see `rollout.own_files`."""
    mine = [service for service in services if host.entry.runs(service.name)]
    deployed = [service.name for service in scope.on(mine, host.settings, host.entry)]
    return own_files.decide(mine, host.settings, tracked, boxes, tree, deployed)


def lost(host: HostContext, boxes: Iterable[Container]) -> tuple[str, ...]:
    """Return what a release to come would not see of what containers wrote."""
    if not host.settings.from_git or not any(box.own for box in boxes):
        return ()
    probe = mounted.probe(host.settings, host.docker)
    return tuple(problem.text for problem in probe.judge(host.run(probe.command, _LONG)))


def tell_left(host_run: HostRun) -> None:
    """Warn of what containers that are gone wrote last into the files of their release."""
    there = {bind.source for box in host_run.containers() for bind in box.binds}
    gone = [
        replace(box, binds=tuple(bind for bind in box.binds if bind.source not in there))
        for box in host_run.seen.containers
    ]
    _warn(host_run, _seen(host_run.context, gone))


def drop(host_run: HostRun, release: ReleaseId) -> None:
    """Remove the files of a release that will never serve, where no container mounts them."""
    _remove(host_run, releases=(release,))


def clean_up(host_run: HostRun, keep: Collection[str]) -> None:
    """Remove the files of all releases but those to keep, where no container mounts them."""
    _remove(host_run, keep=sorted(keep))


def _remove(host_run: HostRun, releases: Sequence[str] = (), keep: Sequence[str] = ()) -> None:
    if host_run.settings.from_git:
        paths, words = host_run.paths, host_run.docker.words
        command = commands.remove(paths.directory, words, paths.releases, releases, keep)
        answer = host_run.remote.run(command, deadline=_LONG, check=False)
        _warn(host_run, commands.parse_written(answer.stdout))
        if not answer.ok:
            said = answer.stderr.strip() or f"exit code {answer.code}"
            host_run.warn(f"files that releases had for themselves could not be removed: {said}")


def _warn(host_run: HostRun, found: Written) -> None:
    for release, paths in found.items():
        where = f"{host_run.paths.release(ReleaseId(release))}/{TREE}"
        what = f"what containers of {release} wrote is left in {where}"
        host_run.warn(f"{what}, and nothing sees it: {mounted.named(paths)}")


def _seen(host: HostContext, boxes: Iterable[Container]) -> Written:
    """What was written where containers see files that a release has for itself."""
    owned = {bind.own for box in boxes for bind in box.binds if bind.own[0]}
    if not owned or not host.settings.from_git:
        return {}
    paths = Paths(host.settings.directory)
    folders = [paths.release(ReleaseId(each)) for each in sorted({release for release, _ in owned})]
    told = commands.parse_written(host.run(commands.written(paths.directory, folders), _LONG).stdout)
    found = {
        release: tuple(
            path for path in written if any(_is_in(path, own) for at, own in owned if at == release)
        )
        for release, written in told.items()
    }
    return {release: written for release, written in found.items() if written}


def _is_in(path: str, own: str) -> bool:
    return own == "." or own_files.is_in(path, own)
