"""Hosts over SSH: the only package that imports Fabric and Paramiko."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from schedgen_ops.host.connection import Network
from schedgen_ops.host.keys import Prompt
from schedgen_ops.host.session import Host

if TYPE_CHECKING:
    from schedgen_ops.settings import HostSettings, Settings

# Without a handler, logging prints Paramiko's tracebacks of failed connections on stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

__all__ = ["Host", "Network", "connect", "connect_all"]


def connect(settings: Settings, entry: HostSettings, *, prompt: Prompt | None) -> Host:
    """Return one host of the configuration; it is connected to when it is first used.

    Args:
        prompt: asks the operator for a passphrase; None where there is no terminal.
    """
    return connect_all(settings, (entry,), prompt=prompt)[0]


def connect_all(
    settings: Settings, entries: Iterable[HostSettings], *, prompt: Prompt | None
) -> tuple[Host, ...]:
    """Return hosts of the configuration, which share keys, ssh_config and jumps. For the main thread."""
    network = Network(settings.ssh, prompt=prompt)
    return tuple(Host(link.label, link) for link in network.links(entries))
