"""Step 2 where this machine builds: the hosts' code fetched and built here, and what is left of it."""

from __future__ import annotations

import os
import posixpath
import tarfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedgen_ops import this_machine
from schedgen_ops.commands import builds, git, layers
from schedgen_ops.commands import compose as c
from schedgen_ops.commands.builds import Code, Moved, NotMovable
from schedgen_ops.commands.json_yaml import dumped
from schedgen_ops.commands.layers import Told
from schedgen_ops.deploy import carrying, resolving
from schedgen_ops.deploy.build_machine import BuildMachine
from schedgen_ops.deploy.classic import note
from schedgen_ops.deploy.host_run import HostRun, stream
from schedgen_ops.errors import OpsError
from schedgen_ops.preflight.local_engine import DOCKER, INSTEAD
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import plan as rollout

# Bytes that a secret of a build may have.
_MOST = 1024 * 1024
_LONG = 600.0


@dataclass(frozen=True, slots=True)
class BuiltHere:
    """The images that this machine has built for a release, as a `carrying.Source`."""

    at: BuildMachine
    release: ReleaseId
    name: str = this_machine.NAME
    hint: str = INSTEAD

    def image_of(self, service: c.Service) -> str:
        """Return the name that the image has here."""
        return _name(self.at, service.name, self.release)

    def told(self, images: Sequence[str]) -> list[tuple[str, Told]]:
        """Return id, platform and layers of images, in order."""
        return layers.rows(self.at.run(layers.of(DOCKER, images)).stdout)

    def pack(self, images: Mapping[str, str], spare: Sequence[str], into: Path) -> None:
        """Pack images into a file; see `layers.pack`."""
        self.at.run(layers.pack(DOCKER, images, spare, str(into)), self.at.settings.build.deadline)


def _name(at: BuildMachine, service: str, release: ReleaseId) -> str:
    return rollout.built_name(at.settings.project, service, at.settings.environment, release)


def build(at: BuildMachine, host_run: HostRun, services: Collection[str]) -> None:
    """Build the images of services here, of the code that a host has checked out, as its Compose would.

    Raises:
        OpsError: where that failed; no host has been touched by it.
    """
    if not services:
        return
    release, settings = host_run.release.id, host_run.settings
    document, code = resolving.kept(host_run, release), _fetch(at, host_run)
    images = {name: _name(at, name, release) for name in sorted(services)}
    moved = _moved(host_run, document, images, code, at)
    _within(moved, Path(code.tree))
    _put_secrets(host_run, moved)
    _write(at.folder / "compose.yaml", dumped(moved.document).encode())
    compose = c.Compose(DOCKER, settings.project, str(at.folder), classic=at.engine().classic)
    command = compose.build(str(at.folder), *images, pull=settings.build.pull == "always")
    stream(
        at.machine,
        host_run.context.emit,
        command,
        settings.build.deadline,
        "Container build",
        note(at.building),
    )
    at.building.clear()


def _fetch(at: BuildMachine, host_run: HostRun) -> Code:
    """The files of the commit as the host has checked them out, in a folder here."""
    directory, there = host_run.settings.directory, carrying.file_on(host_run, "code.tar.gz")
    told = host_run.run(git.pack(directory, there), _LONG)
    length, prefix = git.parse_packed(told.stdout)
    packed, tree = at.folder / "code.tar.gz", at.folder / "code"
    carrying.download(host_run, there, packed, length, "the code")
    host_run.run(carrying.forget(host_run.paths))
    try:
        tree.mkdir()
        with tarfile.open(packed, "r:gz") as tar:
            tar.extractall(tree, filter=_ours)
        packed.unlink()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise OpsError(f"the code did not come whole: {error}", host=host_run.remote.name) from error
    except OSError as error:
        raise carrying.no_room(tree, error) from error
    return Code(directory, prefix, str(tree))


def _ours(entry: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """An entry that stays in the folder, and belongs to whoever unpacks it."""
    kept = tarfile.tar_filter(entry, folder)
    kept.uid, kept.gid, kept.uname, kept.gname = os.getuid(), os.getgid(), "", ""
    return kept


def _moved(host_run: HostRun, document: Any, images: dict[str, str], code: Code, at: BuildMachine) -> Moved:
    # The classic builder knows no other platform than its own.
    platform = "" if at.engine().classic else host_run.seen.platform
    try:
        return builds.moved(document, images, code, str(at.folder / "secrets"), platform)
    except NotMovable as error:
        raise OpsError(str(error), host=host_run.remote.name, hint=INSTEAD) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise resolving.not_read(host_run, host_run.release.id) from error


def _within(moved: Moved, tree: Path) -> None:
    """No link of the repository leads a build to other files of this machine."""
    for name, body in moved.document["services"].items():
        said = body["build"]
        file = posixpath.join(said["context"], said.get("dockerfile") or "")
        for path in (said["context"], file, *(said.get("additional_contexts") or {}).values()):
            if path.startswith("/") and not Path(path).resolve().is_relative_to(tree.resolve()):
                where = os.path.relpath(path, tree)
                text = f"{name} is built from {where}, a link that leads out of the repository"
                raise OpsError(text, host=this_machine.NAME)


def _put_secrets(host_run: HostRun, moved: Moved) -> None:
    """What builds read as secrets, as the host has it, in files for this user alone."""
    places = builds.places(moved)
    if not places:
        return
    next(iter(map(Path, places.values()))).parent.mkdir(mode=0o700)
    for name, path in moved.files.items():
        _write(Path(places[name]), host_run.remote.get(path, limit=_MOST))
    if moved.variables:
        folder = host_run.paths.release(host_run.release.id)
        answer = host_run.run(builds.ask(host_run.docker, folder, moved.variables))
        for name, value in builds.parse_asked(answer.stdout, moved.variables).items():
            _write(Path(places[name]), value.encode())


def _write(path: Path, data: bytes) -> None:
    try:
        path.touch(mode=0o600)
        path.write_bytes(data)
    except OSError as error:
        raise carrying.no_room(path, error) from error


def keep(at: BuildMachine, release: ReleaseId) -> None:
    """Keep what is on all hosts by now, and nothing earlier of the environment: the next begins with it."""
    with suppress(OpsError):
        named = _named(at, release)
        if any(named.values()):
            _untag(at, [name for name, ours in named.items() if not ours])
    at.whole = True
    at.clear()


def drop(at: BuildMachine, release: ReleaseId | None) -> None:
    """Remove what a build left here that came to nothing; a failure of that is none of the hosts'.

    What is on all hosts stays, whatever came after that: the next build begins with it.
    """
    at.clear()
    if at.whole:
        return
    with suppress(OpsError):
        if at.building:
            at.run(DOCKER.remove(*at.building), check=False)
        if release:
            _untag(at, [name for name, ours in _named(at, release).items() if ours])


def _named(at: BuildMachine, release: ReleaseId) -> dict[str, bool]:
    """The names of what was built here for the environment, and whether that was for this release."""
    project, environment = at.settings.project, at.settings.environment
    tag = rollout.built_tag(environment, release)
    answer = at.run(DOCKER.images(rollout.built_names(project, environment)), check=False)
    names = (line.rpartition(" ")[0] for line in answer.lines())
    return {name: name.rpartition(":")[2] == tag for name in names}


def _untag(at: BuildMachine, names: Sequence[str]) -> None:
    if names:
        at.run(DOCKER.untag(*names), check=False)
