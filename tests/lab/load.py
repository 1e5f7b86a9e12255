"""Real load on a host: hey, 16 connections to each published port with keep-alive, as many without."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from box import Box

CONNECTIONS = 16
RATE = 2
"""Requests a second on each connection: the load goes on at its pace, however busy the machine is."""
LONGEST = "3600s"
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class Load:
    """What hey saw: good answers, and what was none: no answer, a broken one, or a status above 399."""

    what: str
    good: int
    failed: int
    failures: tuple[str, ...] = ()


def need_hey() -> None:
    """hey, installed from Debian's packages where it is missing."""
    if shutil.which("hey") is None:
        for words in (("update",), ("install", "-y", "-qq", "hey")):
            subprocess.run(["apt-get", *words], check=True, capture_output=True, timeout=300)


@contextmanager
def load(host: Box, path: str = "/health") -> Iterator[Callable[[], tuple[Load, ...]]]:
    """Requests to both ports until the function it yields is called; that tells what became of them.

    Args:
        path: what is asked of 3001.
    """
    with loads(f"http://{host.address}:3000/", f"http://{host.address}:3001{path}") as ended:
        yield ended


@contextmanager
def loads(*urls: str) -> Iterator[Callable[[], tuple[Load, ...]]]:
    """Requests to these URLs until the function it yields is called; that tells what became of them."""
    need_hey()
    jobs = [
        (f"{url}{' '.join(options)}", _hey(url, *options))
        for url in urls
        for options in ((), ("-disable-keepalive",))
    ]
    try:
        yield lambda: tuple(_end(what, process) for what, process in jobs)
    finally:
        for _, process in jobs:
            process.kill()
            process.wait()


def failed(seen: tuple[Load, ...]) -> list[Load]:
    """The loads in which anything failed; fails the test where there was hardly any load."""
    assert all(one.good > CONNECTIONS for one in seen), seen
    return [one for one in seen if one.failed]


def _hey(url: str, *options: str) -> subprocess.Popen[str]:
    numbers = ("-c", str(CONNECTIONS), "-q", str(RATE), "-z", LONGEST, "-t", str(PATIENCE))
    words = ("hey", *numbers, *options, url)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _end(what: str, process: subprocess.Popen[str]) -> Load:
    # It reports what it has seen when it is interrupted.
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE + 10)[0]
    statuses = [(int(a), int(b)) for a, b in re.findall(r"^\s*\[(\d+)\]\s+(\d+) responses", said, re.M)]
    _, _, errors = said.partition("Error distribution:")
    broken = re.findall(r"^\s*\[(\d+)\]\s+(.+)$", errors, re.M)
    bad = [(count, f"status {status}") for status, count in statuses if status >= 400]
    bad += [(int(count), text) for count, text in broken]
    good = sum(count for status, count in statuses if status < 400)
    return Load(what, good, sum(count for count, _ in bad), tuple(f"{n}: {text}" for n, text in bad))
