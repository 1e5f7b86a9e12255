"""The socket below an SSH connection: small packets leave at once, and a dead peer is noticed."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from schedgen_ops.errors import Unreachable

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


class PromptSocket(socket.socket):
    """A socket that sends small packets at once (no Nagle) and acknowledges each segment when it is read.

    sshd leaves Nagle on, so a delayed acknowledgement here costs 40 ms a turn there. Linux forgets the option
    after some segments; it is set again after each read. Elsewhere there is no such option.
    """

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if _QUICKACK is not None:
            with suppress(OSError):
                self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address and port where a host answers.

    Attributes:
        family: inet, inet6 or any.
        source: the address of this machine to call from; "": whichever leads there.
    """

    address: str
    port: int
    family: str = "any"
    source: str = ""


def dial(label: str, place: Endpoint, *, timeout: float, keepalive: float) -> PromptSocket:
    """Return a TCP connection to a host.

    Args:
        label: how messages name the host.
        timeout: seconds to wait for an answer, of all addresses that the name has together.
        keepalive: seconds between signs of life; three that stay unanswered end the connection. 0: never.

    Raises:
        Unreachable: with the reason in words.
    """
    try:
        plain = _connected(place, timeout)
    except OSError as problem:
        raise unreachable(label, place.address, place.port, timeout, problem) from problem
    prompt = PromptSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
    prompt.settimeout(timeout)
    prompt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if keepalive and _USER_TIMEOUT is not None:
        # Unanswered data ends the connection; the kernel's own patience is a quarter of an hour.
        with suppress(OSError):
            prompt.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(keepalive * 3000))
    return prompt


def _connected(place: Endpoint, timeout: float) -> socket.socket:
    """Of several addresses the first that answers; of several failures the one that says most."""
    family = _FAMILIES.get(place.family, socket.AF_UNSPEC)
    try:
        found = socket.getaddrinfo(place.address, place.port, family, socket.SOCK_STREAM)
    except UnicodeError as problem:
        raise socket.gaierror(socket.EAI_NONAME, str(problem)) from None
    until, problems = monotonic() + timeout, list[OSError]()
    for number, (kind, _, protocol, _, address) in enumerate(found):
        made = socket.socket(kind, socket.SOCK_STREAM, protocol)
        try:
            # One that is silent leaves time for those after it.
            made.settimeout(max(0.01, (until - monotonic()) / (len(found) - number)))
            if place.source:
                made.bind((place.source, 0))
            made.connect(address)
            return made
        except OSError as problem:
            made.close()
            problems.append(problem)
    raise min(problems, key=_remoteness)


def _remoteness(problem: OSError) -> int:
    """How little a failure says of the host: one that refuses is there, one without a way may be."""
    if isinstance(problem, ConnectionRefusedError):
        return 0
    return 1 if isinstance(problem, TimeoutError) else 2


def unreachable(label: str, address: str, port: int, timeout: float, problem: OSError) -> Unreachable:
    """Return the error for a connection that did not come about."""
    if isinstance(problem, socket.gaierror):
        reason = f"the name {address} is not known"
        hint = "Check the host's address in the configuration, the Host entry in ~/.ssh/config, or your VPN"
    elif isinstance(problem, ConnectionRefusedError):
        reason = f"{address} refuses connections on port {port}"
        hint = "Check that sshd runs there and listens on this port"
    elif isinstance(problem, TimeoutError):
        reason = f"{address} port {port} did not answer within {timeout:g} s"
        hint = "Check the address, the firewall, your VPN, and that the host is up"
    else:
        reason = f"there is no way to {address} port {port}: {problem.strerror or problem}"
        hint = "Check your network, your VPN and the address"
    return Unreachable(f"{label} cannot be reached: {reason}", hint=hint, host=label)
