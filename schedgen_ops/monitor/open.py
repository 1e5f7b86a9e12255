"""Local ports that lead to dashboards on the loopback of hosts."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from schedgen_ops.remote import Remote
from schedgen_ops.settings import Dashboard, Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """A dashboard of a host, as it is reached from here."""

    host: str
    name: str
    url: str
    port: int


def opened(
    stack: ExitStack, hosts: Iterable[Remote], settings: Settings, failed: Callable[[str, str], None]
) -> Iterator[Opened]:
    """Open a local port for each dashboard of each host, for as long as `stack` is open.

    One has its own port here where that is free, so that a bookmark finds it; another host's has another.

    Args:
        failed: is told the host, and why one of its dashboards cannot be shown; each reason once.

    Raises:
        Unreachable: where a host cannot be reached.
    """
    for host in hosts:
        for board in settings.dashboards:
            if board.service is None or settings.host(host.name).runs(board.service):
                wanted = board.port if _free(board.port) else 0
                port = stack.enter_context(host.forward(board.port, wanted, _once(host.name, board, failed)))
                yield Opened(host.name, board.name, url(board, port), board.port)


def _once(host: str, board: Dashboard, failed: Callable[[str, str], None]) -> Callable[[str], None]:
    """Tells each reason once: a browser asks again and again."""
    told: set[str] = set()

    def tell(why: str) -> None:
        if why not in told:
            told.add(why)
            failed(host, f"{board.name} cannot be shown: {why}")

    return tell


def url(board: Dashboard, port: int) -> str:
    """Return the address of a dashboard at a local port."""
    return f"http://127.0.0.1:{port}{board.path}"


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
