"""Images between hosts: which layers one has, and which it needs. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

ENGINE = "-"
"""What stands for an image's id where the engine itself is told of."""
Layers = tuple[str, ...]
"""The sums of an image's layers, the lowest first: `sha256:` and 64 hexadecimal digits each."""


class Told(NamedTuple):
    """What was told of an image: its platform, as linux/amd64, and its layers."""

    platform: str
    layers: Layers


def listed(docker: Docker) -> Command:
    """Tells of every image, and of the engine."""
    return host_script("images/layers", title="docker image ls", docker=docker.words)


def of(docker: Docker, images: Sequence[str]) -> Command:
    """Tells of these images, in order; fails if one is missing."""
    format_ = "{{.Id}} {{.Os}}/{{.Architecture}} {{json .RootFS.Layers}}"
    return docker("image", "inspect", "--format", format_, *images)


def parse(stdout: str) -> dict[str, Told]:
    """Reads the answer of both: what was told, by the image's id.

    Raises:
        ValueError: for an answer that is none.
    """
    return dict(rows(stdout))


def rows(stdout: str) -> list[tuple[str, Told]]:
    """Reads it in its order: one image may have been asked for under several names.

    Raises:
        ValueError: for an answer that is none.
    """
    split = (line.split(" ", 2) for line in stdout.splitlines())
    return [(id_, Told(platform, tuple(json.loads(layers) or ()))) for id_, platform, layers in split]


def spared(wanted: Iterable[Layers], there: Collection[Layers]) -> tuple[str, ...]:
    """Return the layers that need not be carried to a host.

    Docker keeps a layer together with all below it: what lies on something else there is another one.

    Args:
        wanted: the layers of each image that is carried.
        there: those of each image that the host has.
    """
    stacks = {layers[:height] for layers in there for height in range(1, len(layers) + 1)}
    every: set[str] = set()
    needed: set[str] = set()
    for layers in wanted:
        height = max((n for n in range(len(layers) + 1) if layers[:n] in stacks), default=0)
        every |= {*layers}
        needed |= {*layers[height:]}
    return tuple(sorted(every - needed))


def pack(docker: Docker, images: Mapping[str, str], spare: Sequence[str], file: str) -> Command:
    """Packs images into a file, without the layers that are spared.

    Args:
        images: their ids, and the name that each has in the file.
    """
    return host_script(
        "images/pack",
        title="docker save",
        docker=docker.words,
        images=tuple(images),
        names=tuple(images.values()),
        layers=[layer.removeprefix("sha256:") for layer in spare],
        file=file,
    )


def load(docker: Docker, file: str, names: Mapping[str, str]) -> Command:
    """Takes in the images of a file that was packed, and removes it.

    Args:
        names: what they are to be called, and the name that each has in the file.
    """
    return host_script(
        "images/load",
        title="docker load",
        docker=docker.words,
        file=file,
        names=tuple(names.values()),
        targets=tuple(names),
    )


def tags(docker: Docker, names: Mapping[str, str]) -> list[Command]:
    """Give images, by id, their names."""
    return [docker.tag(id_, name) for name, id_ in names.items()]
