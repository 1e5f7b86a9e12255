"""What a release's compose file says of the files that it has for itself. Pure.

`sources` is what is mounted instead of paths of the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from schedgen_ops.commands.compose import Service


def volumes(service: Service, sources: Mapping[str, str]) -> dict[str, Any]:
    """Return the volumes of a service that are the release's own, in place of those mounted there."""
    found = [
        _volume(json.loads(mount.written), sources[mount.source])
        for mount in service.sees
        if mount.kind == "volumes" and mount.source in sources
    ]
    return {"volumes": found} if found else {}


def _volume(written: dict[str, Any], source: str) -> dict[str, Any]:
    how = dict(written.get("bind") or {})
    # The engine makes no empty folder where it is gone; for labels of SELinux it cannot be asked so.
    missing = {} if how.get("selinux") else {"create_host_path": False}
    return {**written, "source": source, "bind": {**how, **missing}}


def files(services: Iterable[Service], sources: Mapping[str, str]) -> dict[str, Any]:
    """Return the configs and secrets that are files of the release's own."""
    found: dict[str, Any] = {}
    for mount in (mount for service in services for mount in service.sees):
        if mount.kind != "volumes" and mount.source in sources:
            found.setdefault(mount.kind, {})[mount.name] = {"file": sources[mount.source]}
    return found
