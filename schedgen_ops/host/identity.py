"""What is known of a host before it is asked: its name in known_hosts, and the files that may have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schedgen_ops.host import known_hosts, ssh_config
from schedgen_ops.host.ssh_words import local
from schedgen_ops.host.target import Target, hop
from schedgen_ops.host.trust import Identity

if TYPE_CHECKING:
    from schedgen_ops.settings import SshSettings

_DEFAULT = Path("~/.ssh/known_hosts")
_SECOND = Path("~/.ssh/known_hosts2")
_NOWHERE = Path("/dev/null")


def of(label: str, target: Target, ssh: SshSettings, gateway: object) -> Identity:
    """Return who a host has to be.

    Args:
        gateway: the connection that it is reached through, a ProxyCommand, or None.
    """
    files = [local(file) for file in _files(target, ssh)]
    kept = [file for file in files if file != _NOWHERE]
    jump, direct = _way(target, ssh, gateway)
    port = known_hosts.host_name(target.hostname, target.port)
    return Identity(
        label=label,
        address=target.hostname,
        port=target.port,
        known_as=target.alias or port,
        files=(*kept, *target.global_known_hosts),
        jump=jump,
        direct=direct,
        principal=target.alias or target.hostname,
        keeps=bool(kept),
        revoked=target.revoked,
        portless="" if target.alias else target.hostname,
    )


def names_known_hosts(ssh: SshSettings) -> bool:
    """Return whether the config names a known_hosts file of its own."""
    return local(ssh.known_hosts) != local(_DEFAULT)


def _files(target: Target, ssh: SshSettings) -> tuple[Path, ...]:
    if names_known_hosts(ssh):
        return (ssh.known_hosts,)
    return (_DEFAULT, _SECOND) if target.known_hosts is None else target.known_hosts


def _way(target: Target, ssh: SshSettings, gateway: object) -> tuple[str, bool]:
    """The jump host to scan from, and whether ssh-keyscan gets to the host at all."""
    if gateway is None:
        return "", True
    # ssh takes no port behind a host's name.
    alone = len(target.jump) == 1 and not isinstance(gateway, str) and not hop(target.jump[0]).port
    known = ssh.config_file is None or ssh_config.is_default(Path(ssh.config_file))
    return (target.jump[0], True) if alone and known else ("", False)
