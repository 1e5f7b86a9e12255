"""A bounded stream of requests against the site, and what its users would have noticed."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

RATE = 10.0
"""Requests a second to each address."""
PATIENCE = 10.0
LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was sent and answered, in seconds, and whether the answer was good."""

    sent: float
    answered: float
    good: bool


@dataclass(frozen=True, slots=True)
class Experience:
    """What a user of `url` noticed; times in seconds, `longest_gap` the longest between two good answers."""

    url: str
    requests: int
    failures: int
    slowest: float
    longest_gap: float


def judge(url: str, samples: tuple[Sample, ...]) -> Experience:
    """Sum up the samples of one address, in the order in which they were taken."""
    good = [sample for sample in samples if sample.good]
    ends = (samples[0].sent, samples[-1].answered) if samples else (0.0, 0.0)
    gaps = (after - before for before, after in pairwise((ends[0], *(one.answered for one in good), ends[1])))
    slowest = max((sample.answered - sample.sent for sample in good), default=0.0)
    return Experience(url, len(samples), len(samples) - len(good), slowest, max(gaps, default=0.0))


@contextmanager
def traffic(*urls: str) -> Iterator[Callable[[], tuple[Experience, ...]]]:
    """Send requests to each address until the block ends; what it yields sums up those sent so far."""
    over = threading.Event()
    samples: dict[str, list[Sample]] = {url: [] for url in urls}
    threads = [threading.Thread(target=_send, args=(url, samples[url], over), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    try:
        yield lambda: tuple(judge(url, tuple(taken)) for url, taken in samples.items())
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE + 1)


def _send(url: str, samples: list[Sample], over: threading.Event) -> None:
    deadline = time.monotonic() + LONGEST
    while not over.is_set() and time.monotonic() < deadline:
        sent = time.monotonic()
        good = _request(url)
        samples.append(Sample(sent, time.monotonic(), good))
        over.wait(max(0.0, sent + 1 / RATE - time.monotonic()))


def _request(url: str) -> bool:
    """A connection of its own each time, as a new visitor has."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return answer.status < 400
