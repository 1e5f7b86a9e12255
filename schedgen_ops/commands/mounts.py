"""What a service of a resolved compose file sees of the host. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands import service_body as says


@dataclass(frozen=True, slots=True)
class Mount:
    """What a service sees of the host.

    Attributes:
        source: an absolute path.
        target: where it is in the container; "" where only Compose says.
        kind: where a compose file says it: volumes, configs or secrets.
        name: that of the config or the secret.
        writable: whether it may be written to.
        written: a volume as the compose file has it, as JSON.
    """

    source: str
    target: str = ""
    kind: str = "volumes"
    name: str = ""
    writable: bool = False
    written: str = ""


def seen(body: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Mount]:
    """Return the mounts of a service of a resolved compose document."""
    for volume in says.bound(body):
        written = json.dumps(volume, sort_keys=True)
        writable, target = not volume.get("read_only"), volume.get("target") or ""
        yield Mount(volume["source"], target, writable=writable, written=written)
    for kind, name, target, file in says.given_files(body, document):
        yield Mount(file, target, kind, name)
