"""Connect and run 100 commands: plain Fabric, a Host's `run`, and its `batch`. Run it with `python`.

A real sshd on loopback serves all three; a proxy adds a round trip if `--rtt MS` is given.
"""

from __future__ import annotations

import argparse
import getpass
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fabric import Connection

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from sshd import Sshd, sshd

from schedgen_ops.shell import sh

COMMAND = sh("echo", "up")


def plain_fabric(server: Sshd, port: int, count: int) -> None:
    """What a task would do with Fabric as it comes."""
    with Connection(
        "127.0.0.1", user=getpass.getuser(), port=port, connect_kwargs={"key_filename": str(server.key)}
    ) as connection:
        for _ in range(count):
            connection.run(COMMAND.text, hide=True)


def our_run(server: Sshd, port: int, count: int) -> None:
    """A channel for each command."""
    host = server.host(port=port)
    for _ in range(count):
        host.run(COMMAND, deadline=10)
    host.close()


def our_batch(server: Sshd, port: int, count: int) -> None:
    """All in one round trip."""
    host = server.host(port=port)
    host.batch([COMMAND] * count, deadline=10)
    host.close()


def timed(action: Callable[[Sshd, int, int], None], server: Sshd, port: int, count: int) -> float:
    """Seconds, the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        action(server, port, count)
        best = min(best, time.perf_counter() - begun)
    return best


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """A port that leads to `port`, each way half of `seconds` later."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, target: socket.socket) -> None:
        pending: list[tuple[float, bytes]] = []
        ready = threading.Condition()

        def deliver() -> None:
            while True:
                with ready:
                    while not pending:
                        ready.wait()
                    due, data = pending.pop(0)
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    target.sendall(data) if data else target.shutdown(socket.SHUT_WR)
                except OSError:
                    return
                if not data:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        data = b"x"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with ready:
                pending.append((time.monotonic() + seconds / 2, data))
                ready.notify()

    def accept() -> None:
        while True:
            try:
                client, _peer = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            for end in (client, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pair in ((client, far), (far, client)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def main() -> None:
    """Print the three times and how they compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100)
    options.add_argument("--rtt", type=float, default=0.0, help="milliseconds to add to each round trip")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sshd(Path(folder)) as server:
        if given.rtt:
            with delayed(server.port, given.rtt / 1000) as port:
                public = server.known_hosts.read_text().split()
                server.known_hosts.write_text(f"[127.0.0.1]:{port} {public[1]} {public[2]}\n")
                report(server, port, given.count)
        else:
            report(server, server.port, given.count)


def report(server: Sshd, port: int, count: int) -> None:
    """Measure the three, one after the other, and print them."""
    base = timed(plain_fabric, server, port, count)
    for title, action in (("Host.run", our_run), ("Host.batch", our_batch)):
        ours = timed(action, server, port, count)
        print(
            f"connect and {count} commands: Fabric {base * 1000:7.0f} ms, "
            f"{title:10} {ours * 1000:7.0f} ms, {base / ours:5.1f} times faster"
        )


if __name__ == "__main__":
    main()
