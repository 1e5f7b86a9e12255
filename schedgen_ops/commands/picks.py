"""The tag that a release picks of images that were built before. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.image_names import tag_of


@dataclass(frozen=True, slots=True)
class Pick:
    """How a definition is read with the tag of a release.

    Attributes:
        tag: "" where the definition is read as it stands.
        variable: the variable of the env file that has the tag; "" for none.
        images: the image of services, with the tag.
    """

    tag: str = ""
    variable: str = ""
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def overlay(self) -> str:
        """The compose file, as JSON, that gives services their image; "" for none."""
        body = {name: {"image": image} for name, image in self.images.items()}
        return json.dumps({"services": body}, sort_keys=True) if body else ""


AS_IT_STANDS = Pick()


def picking(tag: str, variable: str | None, images: Mapping[str, str]) -> Pick:
    """Return what picks `tag`: by a variable, and for services whose image is named without one."""
    return Pick(tag, variable or "", {name: f"{image}:{tag}" for name, image in images.items()})


def pulled(services: Iterable[Service], tag: str) -> tuple[Service, ...]:
    """Return services of which nothing is built, where there is an image to pull; and whose tag was picked.

    A compose file that says how CI builds an image says so to no host.
    """
    return tuple(
        replace(service, context="", image_of="", picked=bool(tag) and tag_of(service.image) == tag)
        if service.image
        else service
        for service in services
    )
