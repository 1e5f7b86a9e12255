"""Images that were built once, carried to the hosts of a run over their connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import layers
from schedgen_ops.commands.layers import Told
from schedgen_ops.deploy import naming, pulling
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.shell import Command, sh
from schedgen_ops.text import size
from schedgen_ops.this_machine import NAME

T = TypeVar("T")

_PART = 8 * 2**20
# Bytes a second of the slowest way that is waited for.
_SLOWEST = 50_000
_TRIES = 5
_LONG = 900.0


def built_here(host_run: HostRun) -> list[c.Service]:
    """Return the services of the compose file whose images this host's services run, and that are built."""
    names = {service.image_of or service.name for service in host_run.scope if service.built}
    return [service for service in host_run.services if service.name in names]


def image_of(host_run: HostRun, service: c.Service, records: Mapping[str, ServiceRecord]) -> str:
    """Return the name that a build gives a service's image on a host."""
    if record := records.get(service.name):
        return record.image
    return naming.built_as(host_run, service)


def forget(paths: Paths) -> Command:
    """Return the command that removes what was on its way on a host."""
    return sh("rm", "-rf", "--", _folder(paths))


def file_on(host_run: HostRun, name: str) -> str:
    """Return the path of a file that is on its way, on a host."""
    return f"{_folder(host_run.paths)}/{name}"


def _folder(paths: Paths) -> str:
    return f"{paths.state}/carried"


class Source(Protocol):
    """Where images come from: what has built them."""

    @property
    def hint(self) -> str:
        """What to do where they do not suit a host."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def image_of(self, service: c.Service) -> str:
        """Return the name that a service's image has there."""
        ...

    def told(self, images: Sequence[str]) -> list[tuple[str, Told]]:
        """Return id, platform and layers of images, in order."""
        ...

    def pack(self, images: Mapping[str, str], spare: Sequence[str], into: Path) -> None:
        """Pack images into a file of this machine; see `layers.pack`."""
        ...


@dataclass(frozen=True, slots=True)
class BuildingHost:
    """A host of the run that has built for the others."""

    host_run: HostRun
    hint: str = "Without `build.once` every host builds its own."

    @property
    def name(self) -> str:
        """The host's name."""
        return self.host_run.remote.name

    def image_of(self, service: c.Service) -> str:
        """See `Source.image_of`."""
        return image_of(self.host_run, service, self.host_run.release.services)

    def told(self, images: Sequence[str]) -> list[tuple[str, Told]]:
        """See `Source.told`."""
        return layers.rows(self.host_run.run(layers.of(self.host_run.docker, images)).stdout)

    def pack(self, images: Mapping[str, str], spare: Sequence[str], into: Path) -> None:
        """See `Source.pack`: packed there, and fetched."""
        host_run, file = self.host_run, file_on(self.host_run, f"{self.host_run.release.id}.tar.gz")
        command = layers.pack(host_run.docker, images, spare, file)
        told = host_run.run(command, deadline=host_run.settings.build.deadline)
        download(host_run, file, into, int(told.text), "the images")
        host_run.run(forget(host_run.paths))


@dataclass(frozen=True, slots=True)
class Carrier:
    """The way from where images were built to the hosts.

    Attributes:
        source: what has built them.
        folder: a folder of this machine for what is on its way.
    """

    source: Source
    folder: Path
    _packed: dict[tuple[str, ...], Path] = field(default_factory=dict)
    _packing: Lock = field(default_factory=Lock)

    def take(self, host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
        """Bring the images of a host's services there, under the names that a build would have given them.

        Raises:
            OpsError: where they did not arrive.
        """
        services = built_here(host_run)
        if not services:
            return
        made = self.source.told([self.source.image_of(service) for service in services])
        names = {
            image_of(host_run, each, records): id_ for each, (id_, _) in zip(services, made, strict=True)
        }
        there = layers.parse(host_run.run(layers.listed(host_run.docker)).stdout)
        self._suits(host_run, there[layers.ENGINE].platform, made)
        pulling.tag(
            host_run, layers.tags(host_run.docker, {name: id_ for name, id_ in names.items() if id_ in there})
        )
        wanted = {id_: told.layers for id_, told in made if id_ not in there}
        if wanted:
            known = [told.layers for told in there.values()]
            missing = {name: id_ for name, id_ in names.items() if id_ in wanted}
            self._carry(host_run, missing, layers.spared(wanted.values(), known))
        host_run.built = tuple(service.name for service in services)

    def _suits(self, host_run: HostRun, platform: str, made: Sequence[tuple[str, Told]]) -> None:
        if others := sorted({told.platform for _, told in made} - {platform}):
            built = f"the images built on {self.source.name} are for {', '.join(others)}"
            raise OpsError(f"{built}, not for {platform}", host=host_run.remote.name, hint=self.source.hint)

    def _carry(self, host_run: HostRun, ids: Mapping[str, str], spare: tuple[str, ...]) -> None:
        """Carry images, each by the name that it is to have."""
        images = rollout.carried_names(sorted({*ids.values()}), host_run.release.id)
        names = {name: images[id_] for name, id_ in ids.items()}
        target = file_on(host_run, f"{host_run.release.id}.tar.gz")
        for spared in dict.fromkeys((spare, ())):
            packed = self._pack(images, spared)
            _upload(host_run, packed, target)
            load = layers.load(host_run.docker, target, names)
            done = host_run.remote.run(load, deadline=_LONG, check=False)
            if done.ok:
                sent = f"{size(packed.stat().st_size)} carried from {self.source.name}"
                host_run.say(f"{len(images)} image{'s' * (len(images) > 1)} built once: {sent}")
                return
            # An engine may keep layers in another way than the one that packed them.
            host_run.show("docker load asks for layers that are here already: all of them are carried")
        said = (done.stderr.strip() or f"exit code {done.code}").splitlines()[-1]
        raise OpsError(f"the images did not arrive: {said}", host=host_run.remote.name)

    def _pack(self, images: Mapping[str, str], spare: tuple[str, ...]) -> Path:
        """The file with these images, packed once for all hosts that lack the same."""
        with self._packing:
            key = (*images, "without", *spare)
            if key not in self._packed:
                path = self.folder / f"{len(self._packed)}.tar.gz"
                self.source.pack(images, spare, path)
                self._packed[key] = path
            return self._packed[key]


def download(host_run: HostRun, path: str, here: Path, length: int, what: str) -> None:
    """Fetch a file of a host, and go on over a new connection where one was lost.

    Args:
        here: where it goes.
        length: how many bytes it has.
        what: what is in it, for messages: "the images".

    Raises:
        OpsError: where it did not come whole, or there is no room for it here.
    """
    try:
        with here.open("wb") as out:

            def rest() -> None:
                begun = out.tell()
                deadline = 60 + (length - begun) / _SLOWEST
                host_run.remote.download(path, out.write, offset=begun, deadline=deadline)

            _again(rest)
            came = out.tell()
    except OSError as error:
        raise no_room(here, error) from error
    if came != length:
        text = f"{came} of {length} bytes of {what} came"
        raise OpsError(text, host=host_run.remote.name, hint="Deploy again.")


def no_room(path: Path, error: OSError) -> OpsError:
    """Return the error of a file of this machine that cannot be written."""
    text = f"{path.parent} cannot be written to: {error.strerror or error}"
    hint = "TMPDIR says which folder is used; what is carried lies there for a while."
    return OpsError(text, host=NAME, hint=hint)


def _upload(host_run: HostRun, here: Path, path: str) -> None:
    with here.open("rb") as source:
        offset = 0
        while part := source.read(_PART):
            command = host_script("files/append", path=path, offset=offset, size=len(part)).with_stdin(part)
            deadline = 60 + len(part) / _SLOWEST
            told = _again(partial(host_run.run, command, deadline))
            offset += len(part)
            if told.text != str(offset):
                text = f"{told.text or 'nothing'} of {offset} bytes of the images arrived"
                raise OpsError(text, host=host_run.remote.name, hint="Deploy again.")


def _again(action: Callable[[], T]) -> T:
    """Do it, and go on over a new connection where one was lost."""
    for _ in range(_TRIES - 1):
        try:
            return action()
        except ConnectionLost:
            continue
    return action()
