"""Files that a release has for itself on a host: made, looked at, and removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from schedgen_ops.commands import own_files as commands
from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.docker import Container
from schedgen_ops.commands.own_files import Tracked
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.paths import TREE, Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import own_files, scope
from schedgen_ops.rollout.own_files import Own
from schedgen_ops.settings import Settings

# Seconds that a copy of a whole project may take.
_LONG = 600.0
# So many paths are named in a message.
_NAMED = 5

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


def refuse_written(host_run: HostRun) -> None:
    """Make sure that a release to come loses nothing that containers wrote into the files of theirs.

    Raises:
        Refused: where there is something, naming it.
    """
    if problem := lost(host_run.context, host_run.seen.containers):
        raise Refused(problem, host=host_run.remote.name, hint=hint(host_run.settings))


def lost(host: HostContext, boxes: Iterable[Container]) -> str:
    """Return what a release to come would lose of what containers wrote; "" for nothing."""
    users = _users(boxes)
    if not users or not host.settings.from_git:
        return ""
    found = _ask(host, users)
    texts = [
        f"{', '.join(users[release])} wrote into the files of {release}, and the next release does not see "
        f"that: {_named(paths)}"
        for release, paths in found.items()
    ]
    return "; ".join(texts)


def hint(settings: Settings) -> str:
    """Return what is to be done where containers wrote into files of their release."""
    folder = f"{Paths(settings.directory).releases}/RELEASE/{TREE}"
    return (
        f"They are in {folder}. Stop what writes them; copy what is to stay to the same place in the "
        "repository, from where it is mounted then; remove the rest; and deploy again. `release.in_place` "
        "names paths that are always mounted from there."
    )


def tell_left(host_run: HostRun) -> None:
    """Warn of what containers that are gone wrote last into the files of their release."""
    gone = _users(host_run.seen.containers).keys() - _users(host_run.containers()).keys()
    if gone and host_run.settings.from_git:
        _warn(host_run, _ask(host_run.context, sorted(gone)))


def clean_up(host_run: HostRun, releases: Collection[ReleaseId]) -> None:
    """Remove the files of releases that nothing goes back to, where no container mounts them."""
    if not releases or not host_run.settings.from_git:
        return
    folders = [host_run.paths.release(each) for each in sorted(releases)]
    command = commands.remove(host_run.settings.directory, host_run.docker.words, folders)
    answer = host_run.remote.run(command, deadline=_LONG, check=False)
    _warn(host_run, commands.parse_written(answer.stdout))


def _warn(host_run: HostRun, found: Written) -> None:
    for release, paths in found.items():
        where = f"{host_run.paths.release(ReleaseId(release))}/{TREE}"
        host_run.warn(
            f"what containers of {release} wrote is left in {where}, and nothing sees it: {_named(paths)}"
        )


def _users(boxes: Iterable[Container]) -> dict[str, list[str]]:
    """The releases whose files containers mount, and the services that do."""
    found: dict[str, list[str]] = {}
    for box in boxes:
        for release in {bind.own[0] for bind in box.binds} - {""}:
            found[release] = sorted({*found.get(release, ()), box.service})
    return dict(sorted(found.items()))


def _ask(host: HostContext, releases: Iterable[str]) -> Written:
    paths = Paths(host.settings.directory)
    folders = [paths.release(ReleaseId(each)) for each in releases]
    return commands.parse_written(host.run(commands.written(paths.directory, folders), _LONG).stdout)


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
