"""Real load on a host's published ports: wrk, 16 connections to each, bounded in time."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from box import Box

CONNECTIONS = "16"
LONGEST = "170s"
_CLOSE = ("-H", "Connection: close")


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests, and those that failed (no answer, a broken one, or a status above 399)."""

    url: str
    requests: int
    failed: int


def need_wrk() -> None:
    """wrk, installed from Debian's packages where it is missing."""
    if shutil.which("wrk") is None:
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "wrk"], check=True, capture_output=True, timeout=300
        )


@contextmanager
def load(
    host: Box, path: str = "/health", connections: str = CONNECTIONS
) -> Iterator[Callable[[], tuple[Load, ...]]]:
    """wrk on 3001, with keep-alive, and on 3000, without, until the function it yields is called.

    Args:
        path: what is asked of 3001.
        connections: how many to each.
    """
    need_wrk()
    site, backend = f"http://{host.address}:3000/", f"http://{host.address}:3001{path}"
    jobs = [(url, _wrk(url, connections, *options)) for url, options in ((backend, ()), (site, _CLOSE))]
    try:
        yield lambda: tuple(_end(url, process) for url, process in jobs)
    finally:
        for _, process in jobs:
            process.kill()
            process.wait()


def _wrk(url: str, connections: str, *options: str) -> subprocess.Popen[str]:
    words = ("wrk", "-t1", "-c", connections, "-d", LONGEST, "--timeout", "10s", *options, url)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _end(url: str, process: subprocess.Popen[str]) -> Load:
    # wrk reports what it has seen when it is interrupted.
    process.send_signal(2)
    said = process.communicate(timeout=30)[0]
    requests = re.search(r"(\d+) requests in", said)
    assert requests, said
    sockets = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    failed = sum(map(int, sockets.groups())) if sockets else 0
    return Load(url, int(requests[1]), failed + (int(bad[1]) if bad else 0))
