"""What the name of an image says. Pure."""

from __future__ import annotations

import re

HUB = "docker.io"
"""The registry of names that begin with none."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


def full(image: str) -> str:
    """Return an image's name with its tag."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def tag_of(image: str) -> str:
    """Return the tag of an image; "" for one that is named by its digest alone."""
    name = image.partition("@")[0]
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or ("" if name != image else "latest")


def repository_of(image: str) -> str:
    """Return the name of an image without its tag and digest."""
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def server_of(image: str) -> str:
    """Return the registry that has an image."""
    first, slash, _ = image.partition("/")
    return first if slash and (set(".:") & set(first) or first == "localhost") else HUB


def is_tag(name: str) -> bool:
    """Return whether an image could have this tag."""
    return bool(_TAG.match(name))
