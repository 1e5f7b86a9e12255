"""Which of the files that services mount a release has for itself, and which stay where they are. Pure.

A copy in the release's folder does not change under the containers that see it. It is made only where nothing
can be lost by that: of what git has, where nothing else is, and where nobody writes.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.docker import Container
from schedgen_ops.commands.mounts import Mount
from schedgen_ops.commands.own_files import Tracked
from schedgen_ops.release.paths import FOLDER
from schedgen_ops.rollout.plan import below
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Own:
    """The files that a release has for itself.

    Attributes:
        paths: those that are copied, each as from the project's directory.
        stays: why others that git has are mounted where they are, each by its path on the host.
        sources: what is mounted instead of a path of the host.
        targets: by its name, where in a service's containers what it mounts is the release's own.
        points: where other things are mounted in them, from the repository, and what of the host that is.
        extra: the env file, where it goes with them; "" for nothing.
    """

    paths: tuple[str, ...] = ()
    stays: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    points: tuple[tuple[str, str], ...] = ()
    extra: str = ""


NOTHING = Own()


def decide(
    services: Sequence[Service],
    settings: Settings,
    tracked: Tracked,
    boxes: Collection[Container],
    tree: str,
    deployed: Collection[str],
) -> Own:
    """Return what of the mounted files a release has for itself.

    Args:
        services: all that may run on the host.
        tracked: what the host tells of the paths that they mount.
        boxes: the project's containers as they are: they show that nobody writes where that is allowed.
        tree: the folder that the copies will be in.
        deployed: those of the services that the release brings; others see the files where they are.
    """
    if tracked.place is None:
        return NOTHING
    look = _Look(services, settings, tracked, tracked.place, boxes, frozenset(deployed))
    known = {look.at(path): path for path in tracked.ids}
    stays = {at: why for at, path in known.items() if (why := look.against(at, path))}
    stays = _together(stays, known, look.data(known))
    chosen = {at: path for at, path in known.items() if at not in stays}
    if not chosen:
        return Own(stays=stays)
    env = look.env if any(is_in(look.env, at) for at in chosen) else ""
    sources = {at: posixpath.normpath(f"{tree}/{look.in_repository(at)}") for at in chosen}
    return Own(
        paths=tuple(sorted(chosen.values())),
        stays=stays,
        sources=sources,
        targets=_targets(services, sources),
        points=tuple(sorted(look.points(chosen))),
        extra=below(env, settings.directory) if env else "",
    )


def _targets(services: Iterable[Service], sources: Collection[str]) -> dict[str, tuple[str, ...]]:
    found = {
        service.name: tuple(m.target for m in service.sees if m.kind == "volumes" and m.source in sources)
        for service in services
    }
    return {name: targets for name, targets in found.items() if targets}


def is_in(path: str, folder: str) -> bool:
    """Return whether a path is a folder, or in it."""
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _together(stays: Mapping[str, str], known: Collection[str], data: Collection[str]) -> dict[str, str]:
    """What stays, with what is in it and what it is in: what one writes there, another may read.

    Args:
        known: all mounted paths that git has.
        data: those that it has not.
    """
    found = dict(stays)
    for path in known:
        if path not in found and (inside := next((each for each in data if is_in(each, path)), "")):
            found[path] = f"{posixpath.relpath(inside, path)} in it, which is mounted too, is not git's"
    todo = list(found)
    while todo:
        one = todo.pop()
        near = [each for each in known if each not in found and (is_in(one, each) or is_in(each, one))]
        found.update(dict.fromkeys(near, found[one]))
        todo += near
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a host's mounted files."""

    services: Sequence[Service]
    settings: Settings
    tracked: Tracked
    place: str
    boxes: Collection[Container]
    deployed: frozenset[str]

    def at(self, path: str) -> str:
        """Where a path from the project's directory is on the host."""
        return posixpath.normpath(posixpath.join(self.settings.directory, path))

    @property
    def env(self) -> str:
        return self.at(self.settings.env_file)

    @property
    def _top(self) -> str:
        return self.at("../" * self.place.count("/"))

    def in_repository(self, at: str) -> str:
        return posixpath.relpath(at, self._top)

    def data(self, known: Collection[str]) -> tuple[str, ...]:
        """The mounted paths that git has not, but for the env file."""
        sources = (mount.source for service in self.services for mount in service.sees)
        return tuple(sorted({source for source in sources if source not in known and source != self.env}))

    def against(self, at: str, path: str) -> str:
        """Why a path that git has is mounted where it is; "" for nothing."""
        if any(
            is_in(self.at(each), at) or is_in(at, self.at(each)) for each in self.settings.release.in_place
        ):
            return "release.in_place says so"
        return self._unfit(path) or self._held(at, path) or self._written(at)

    def _unfit(self, path: str) -> str:
        what, _, where = self.tracked.unfit.get(path, "").partition(" ")
        if what == "placeholder":
            return f"{where} in it holds the place of what is written there"
        if what:
            return f"it is a {what}" if what == "link" else f"there is a {what} in it"
        return ""

    def _held(self, at: str, path: str) -> str:
        """What is there that git does not have, but what is ours and what containers find mounted there."""
        ours = [self.at(each) for each in (FOLDER, self.settings.backup.directory)]
        points = {posixpath.normpath(f"{self._top}/{point}") for point, _ in self.points((at,))}
        for kind, why in (
            (self.tracked.others, "{} is not as git has it"),
            (self.tracked.empty, "{} is not git's"),
            (self.tracked.foreign, "{} is another user's, or no file"),
        ):
            for name in kind.get(path, ()):
                there = self.at(name)
                passed = any(is_in(there, each) for each in ours) or (
                    kind is not self.tracked.foreign and there == self.env
                )
                if not passed and not (kind is self.tracked.empty and there in points):
                    return why.format(posixpath.normpath(name))
        return ""

    def _written(self, at: str) -> str:
        """Who may write there, and has not been seen not to."""
        for service in self.services:
            for mount in service.sees:
                if mount.source == at and mount.writable and not self._idle(service, mount):
                    return f"{service.name} may write to it, and does not run with it yet"
        return ""

    def _idle(self, service: Service, mount: Mount) -> bool:
        """Whether a container has run with a mount, in which nothing but git's files is then."""
        if service.name not in self.deployed:
            return False
        return any(
            box.service == service.name
            and (box.status == "running" or box.ended_well)
            and any(
                bind.writable
                and bind.target == mount.target
                and self._seen(bind.source, bind.own) == mount.source
                for bind in box.binds
            )
            for box in self.boxes
        )

    def _seen(self, source: str, own: tuple[str, str]) -> str:
        return posixpath.normpath(f"{self._top}/{own[1]}") if own[0] else source

    def points(self, paths: Collection[str]) -> Iterator[tuple[str, str]]:
        """Where other things are mounted in these, from the repository, and what of the host that is."""
        for service in self.services:
            over = {mount.target: mount.source for mount in service.sees if mount.target}
            for mount in service.sees:
                for target in {*service.covered, *over} if mount.source in paths else ():
                    if is_in(target, mount.target) and target.rstrip("/") != mount.target.rstrip("/"):
                        inside = posixpath.relpath(target, mount.target)
                        yield self.in_repository(f"{mount.source}/{inside}"), over.get(target, "")


def changed_under(boxes: Iterable[Container], service: str, paths: Iterable[str]) -> str:
    """Return a folder in which one of these paths changes under a container of a service; "" for none."""
    folders = [bind.source for box in boxes if box.service == service for bind in box.binds]
    return next((each for path in paths for each in folders if each != path and is_in(path, each)), "")
