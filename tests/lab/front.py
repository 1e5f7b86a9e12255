"""A load balancer in front of hosts of the lab: a HAProxy of the test's own, on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from box import Box

# How often it asks, in milliseconds; two answers in a row count.
LOOKS = 500
_CONFIG = """\
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    # Slow is not down on a busy machine.
    timeout check 5s
    retries 3
    option redispatch 1
    default-server inter {looks} fall 2 rise 2
"""
_FARM = """
frontend in_{port}
    bind {address}:{listen}
    default_backend {name}
backend {name}
    balance roundrobin
    {check}
{servers}
"""
_HEALTH = """option httpchk
    http-check send meth GET uri {health} ver HTTP/1.1 hdr Host shop.example
    http-check expect status 200"""


@dataclass(frozen=True, slots=True)
class Front:
    """A load balancer, and the addresses at which visitors find it.

    Attributes:
        control: the path of its socket.
    """

    address: str
    control: Path
    ports: tuple[tuple[int, int], ...]

    def url(self, port: int) -> str:
        """Where it passes visitors on to that port of the hosts."""
        return f"http://{self.address}:{dict(self.ports)[port]}"

    def ask(self, question: str) -> str:
        """What it answers to a question of its runtime API."""
        with socket.socket(socket.AF_UNIX) as to:
            to.connect(str(self.control))
            to.sendall(f"{question}\n".encode())
            return b"".join(iter(lambda: to.recv(1 << 16), b"")).decode()

    def servers(self, port: int = 3001) -> dict[str, dict[str, str]]:
        """What it says of each host behind a port, by the host's name."""
        head, *rows = self.ask("show stat").lstrip("# ").splitlines()
        found = [dict(zip(head.split(","), row.split(","), strict=False)) for row in rows if row]
        return {row["svname"]: row for row in found if row["pxname"] == f"to_{port}" and row["type"] == "2"}

    def up(self, port: int = 3001) -> set[str]:
        """The hosts that it sends requests to."""
        return {name for name, row in self.servers(port).items() if row["status"].startswith("UP")}

    def until_up(self, *names: str, seconds: float = 60) -> None:
        """Waits until these hosts are up, and no other one."""
        end = time.monotonic() + seconds
        while any(self.up(port) != {*names} for port, _ in self.ports):
            assert time.monotonic() < end, [self.up(port) for port, _ in self.ports]
            time.sleep(0.1)


@contextmanager
def front(folder: Path, boxes: Sequence[Box], health: str = "") -> Iterator[Front]:
    """A load balancer in front of the ports 3000 and 3001 of these hosts.

    Args:
        health: what it asks at 3001 of each for its health, for both ports; "" asks nothing.
    """
    _need_haproxy()
    address = boxes[0].address.rpartition(".")[0] + ".250"
    control, config = folder / "front.sock", folder / "front.cfg"
    text = _CONFIG.format(socket=control, looks=LOOKS)
    ports = ((3000, 8000), (3001, 8001))
    for port, listen in ports:
        check = " check port 3001" if health else ""
        servers = "\n".join(f"    server {box.name} {box.address}:{port}{check}" for box in boxes)
        asked = _HEALTH.format(health=health) if health else ""
        farm = {"port": port, "listen": listen, "address": address, "name": f"to_{port}"}
        text += _FARM.format(**farm, check=asked, servers=servers)
    config.write_text(text)
    with (folder / "front.log").open("w") as log:
        process = subprocess.Popen(("haproxy", "-db", "-f", str(config)), stdout=log, stderr=log)
    try:
        made = Front(address, control, ports)
        end = time.monotonic() + 10
        while not control.exists():
            assert process.poll() is None, (folder / "front.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        if health:
            made.until_up(*(box.name for box in boxes))
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _need_haproxy() -> None:
    """HAProxy, installed from Debian's packages where it is missing."""
    if shutil.which("haproxy") is None:
        words = ("install", "-y", "-qq", "--no-install-recommends", "haproxy")
        for each in (("update",), words):
            subprocess.run(["apt-get", *each], check=True, capture_output=True, timeout=300)
