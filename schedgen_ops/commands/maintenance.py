"""What a host notes of visitors that its ingress turns away. Pure."""

from __future__ import annotations

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def look(ingress: str) -> Command:
    """Say in words how visitors are turned away; nothing where they are let in.

    Args:
        ingress: the folder of the ingress.
    """
    return host_script("files/noted", title="are visitors let in", path=f"{ingress}/closed")
