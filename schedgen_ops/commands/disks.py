"""Room on every file system that a release fills: the project's, Docker's own, the one of temporary files."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands import facts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class Space:
    """Free and total bytes of a file system.

    Attributes:
        kind: what of ours is there: project, docker, images or tmp.
        path: the folder that was asked for.
        mount: where the file system is mounted.
    """

    kind: str
    path: str
    mount: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Spaces:
    """The file systems that a release fills, the project's first, each once.

    Attributes:
        unknown: folders of which nothing is known.
        docker: whether Docker said where it keeps its own.
    """

    found: tuple[Space, ...]
    unknown: tuple[str, ...] = ()
    docker: bool = True

    @property
    def project(self) -> Space:
        """The one that the project is on."""
        return self.found[0]


def spaces(docker: Docker, directory: str) -> Command:
    """Room on every file system that a release fills."""
    return facts.ask(docker, "spaces", directory, title="df")


def parse_spaces(stdout: str) -> Spaces:
    """Reads the answer of `spaces`.

    Raises:
        ValueError: where it says something else.
    """
    found: dict[str, Space] = {}
    unknown, asked = [], set()
    for line in filter(None, stdout.split("\n")):
        kind, path, row = (*line.split("\t", 2), "", "")[:3]
        asked.add(kind)
        if kind == "unknown":
            unknown.append(path)
            continue
        fields = row.rsplit("%", 1)
        try:
            device, total, _, free, _ = fields[0].rsplit(maxsplit=4)
            space = Space(kind, path, fields[1].strip(), int(free) * 1024, int(total) * 1024)
        except (ValueError, IndexError):
            raise ValueError(f"df of {path} answered {row!r}") from None
        # Two folders of one device may have mounts of their own.
        found.setdefault(device if device.startswith("/dev/") else space.mount, space)
    if "project" not in asked:
        raise ValueError(f"df answered {stdout!r}")
    return Spaces(tuple(found.values()), tuple(unknown), bool(asked & {"docker", "unknown"}))
