"""The keys that a host shows to whoever asks, each proven to be its own; nothing is trusted yet."""

from __future__ import annotations

from typing import Any

from paramiko.ssh_exception import IncompatiblePeer

from schedgen_ops.errors import Unreachable
from schedgen_ops.host.connection import Link
from schedgen_ops.host.handshake import KeyExchange
from schedgen_ops.host.known_hosts import Known
from schedgen_ops.host.pins import Shown

_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)


class _Asking(KeyExchange):
    """An exchange of keys that takes keys of one kind only."""

    kinds: tuple[str, ...] = ()
    lacking = False

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The kind that is asked for."""
        return self.kinds

    def _end(self, problem: BaseException | None) -> tuple[str, str]:
        self.lacking = isinstance(problem, IncompatiblePeer)
        return super()._end(problem)


def keys(link: Link) -> tuple[Shown, ...]:
    """Return the keys that a host shows, the best first.

    Raises:
        Unreachable: where there is no way to it, or it shows none that is taken here.
    """
    found = [key for kinds in _KINDS if (key := _key(link, kinds))]
    if not found:
        raise Unreachable(f"{link.label} shows no key of a kind that is taken here", host=link.label)
    return tuple(found)


def _key(link: Link, kinds: tuple[str, ...]) -> Shown | None:
    exchange = None
    sock: Any = link.dial()
    try:
        place = f"{link.host} port {link.port}"
        patience = float(link.network.ssh.connect_timeout)
        exchange = _Asking(sock, label=link.label, place=place, known=Known(), seconds=patience)
        exchange.kinds = kinds
        exchange.start_client()
        key = exchange.get_remote_server_key()
        return Shown(key.get_name(), key.asbytes())
    except Unreachable:
        if exchange is not None and exchange.lacking:
            return None
        raise
    finally:
        if exchange is not None:
            exchange.close()
        sock.close()
