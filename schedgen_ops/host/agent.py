"""The SSH agent of the operator: where it is, the keys that it holds, and how a host is let use it."""

from __future__ import annotations

import copy as copies
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from paramiko import Channel, PKey, SSHException
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob

from schedgen_ops.host.ssh_words import local
from schedgen_ops.host.tunnel import copy

_CERTIFICATE = "-cert-v01@openssh.com"
# Seconds that an agent may take to list its keys; signing may wait for somebody, as long as the login may.
_PATIENCE = 10.0


class NoAgent(Exception):
    """There is no agent to ask: the text says why, "" where none was named."""


def place(identity_agent: str) -> Path | None:
    """Return the agent's socket: what IdentityAgent says, else $SSH_AUTH_SOCK; None where there is none."""
    if identity_agent.lower() == "none":
        return None
    if identity_agent in ("", "SSH_AUTH_SOCK"):
        named = os.environ.get("SSH_AUTH_SOCK", "")
    elif identity_agent.startswith("$"):
        named = os.environ.get(identity_agent[1:].strip("{}"), "")
    else:
        named = identity_agent
    return local(named) if named else None


def forwarded(forward: str, identity_agent: str) -> Path | None:
    """Return the agent that ForwardAgent lets a host use; None where it lets it use none."""
    if forward.lower() in ("no", "false", "none", ""):
        return None
    return place(identity_agent if forward.lower() in ("yes", "true") else forward)


class Agent(AgentSSH):
    """A connection to an agent; it is not made for several threads."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        if path is None:
            raise NoAgent("")
        connection = _connected(path)
        try:
            connection.settimeout(_PATIENCE)
            self._connect(connection)  # type: ignore[attr-defined]  # paramiko's types leave it out
            connection.settimeout(None)
        except (OSError, SSHException) as problem:
            connection.close()
            raise NoAgent(f"the agent {path}: {problem}") from None

    def keys(self) -> tuple[AgentKey, ...]:
        """Return the keys that it holds, and the certificates, each of which is offered as such."""
        held = tuple(self.get_keys())
        plain = {key.asbytes() for key in held if not key.name.endswith(_CERTIFICATE)}
        for key in held:
            # Not every Paramiko gives a key of the agent this attribute, and each asks for it.
            key.public_blob = None
            if not key.name.endswith(_CERTIFICATE):
                continue
            if key.asbytes() in plain:
                key.public_blob = PublicBlob(key.name, key.blob)  # type: ignore[assignment]
            else:
                # The agent knows its key by the certificate alone.
                key.inner_key = None  # type: ignore[attr-defined]
        return held

    def close(self) -> None:
        """End the connection."""
        self._close()  # type: ignore[attr-defined]


def certified(key: PKey, certificate: Path) -> PKey:
    """Return `key`, to be offered with a certificate."""
    if isinstance(key, AgentKey):
        held: Any = key
        offered: PKey = AgentKey(held.agent, held.blob, held.comment)
    else:
        offered = copies.copy(key)
    offered.public_blob = PublicBlob.from_file(str(certificate))
    return offered


def lend(channel: Channel, path: Path) -> None:
    """Let the commands of a channel use the agent at `path`."""
    channel.request_forward_agent(_serving(path))


def _serving(path: Path) -> Callable[[Channel], None]:
    def serve(asked: Channel) -> None:
        # The transport's own thread calls this, and reads nothing until it returns.
        Thread(target=_serve, args=(asked, path), name="agent", daemon=True).start()

    return serve


def _serve(asked: Channel, path: Path) -> None:
    try:
        agent = _connected(path)
    except NoAgent:
        asked.close()
        return
    Thread(target=copy, args=(agent, asked), name="agent", daemon=True).start()
    copy(asked, agent)
    for end in (agent, asked):
        with suppress(OSError, EOFError, SSHException):
            end.close()


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except OSError as problem:
        connection.close()
        raise NoAgent(f"the agent {path}: {problem.strerror or problem}") from None
    return connection
