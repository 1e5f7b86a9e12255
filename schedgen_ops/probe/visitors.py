"""What the ingress has counted of visitors between two looks at it. Pure.

It counts the answers that servers gave to visitors, our own requests left out; the answers that it made
itself, where no server gave one; and those that broke off. host_scripts/lib/proxy.bash says what it prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass

# Where a worker's start is reckoned from two clocks of whole seconds, it is the same one within these.
_SAME = 2
_NUMBERS = re.compile(r"visitors (start|end) ([0-9a-f]{12,64})((?: \d+){7})", re.ASCII)
_WORD = re.compile(r"visitors (start|end) (none|unknown)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Counted:
    """What one worker of the ingress has counted since it began.

    Attributes:
        container: the id of its container.
        pid: its own in there.
        born: when it began, in seconds since the epoch.
        answers: that its servers gave to visitors; `errors` of them were 5xx.
        all_errors: the 5xx that it handed on to anybody; `server_errors` of them came from a server.
        aborted: answers that broke off.
    """

    container: str
    pid: int
    born: int
    answers: int
    errors: int
    all_errors: int
    server_errors: int
    aborted: int


@dataclass(frozen=True, slots=True)
class Visitors:
    """What visitors of a host noticed during a run.

    Attributes:
        failed: of those that were counted: answered with 5xx, broken off, or answered by no server.
        unknown: why not all of the run is known, in words; "" where all of it was counted.
    """

    host: str
    requests: int = 0
    failed: int = 0
    unknown: str = ""

    @property
    def clean(self) -> bool:
        """Whether it is known that no visitor's request failed."""
        return not self.failed and not self.unknown

    def sentence(self) -> str:
        """Return the result in words."""
        if not self.requests and self.unknown:
            return f"Visitors were not counted: {self.unknown}"
        failed = f"{self.failed} failed" if self.failed else "none failed"
        text = f"Visitors: {self.requests} requests at the ingress, {failed}"
        return f"{text}; not all were counted: {self.unknown}" if self.unknown else text


def parse(lines: Iterable[str]) -> dict[str, Counted | str]:
    """Return what the script said at an end of the run: counters, "none" for no ingress, or "unknown"."""
    found: dict[str, Counted | str] = {}
    for line in lines:
        if word := _WORD.fullmatch(line):
            found[word[1]] = word[2]
        elif numbers := _NUMBERS.fullmatch(line):
            found[numbers[1]] = Counted(numbers[2], *map(int, numbers[3].split()))
    return found


def reckon(host: str, lines: Iterable[str], ours: int = 0) -> Visitors:
    """Return what came of visitors' requests on a host.

    Args:
        ours: answers with 5xx that our own prober got: they may be among those that the ingress made itself.
    """
    seen = parse(lines)
    start, end = seen.get("start", "unknown"), seen.get("end", "unknown")
    if end == "none":
        gone = start not in ("none", "unknown")
        return Visitors(host, unknown="the ingress was gone" if gone else "there is no ingress")
    if isinstance(end, str):
        return Visitors(host, unknown="its counters could not be read")
    if not isinstance(start, Counted):
        return _since(host, end, None, ours, _WHY.get(start, _WHY["unknown"]))
    if _same_worker(start, end):
        return _since(host, end, start, ours)
    return _since(host, end, None, ours, "the ingress was replaced or reloaded")


_WHY = {
    "none": "the ingress came during the run",
    "unknown": "its counters could not be read at the start",
}


def _same_worker(start: Counted, end: Counted) -> bool:
    same = (start.container, start.pid) == (end.container, end.pid) and abs(start.born - end.born) <= _SAME
    return same and all(after >= before for before, after in zip(_counts(start), _counts(end), strict=True))


def _counts(counted: Counted) -> tuple[int, ...]:
    return astuple(counted)[3:]


def _since(host: str, end: Counted, start: Counted | None, ours: int, unknown: str = "") -> Visitors:
    """What was counted since `start`, or since a worker began that cannot have begun long before."""
    if start is None and unknown == _WHY["unknown"]:
        return Visitors(host, unknown=unknown)
    before = _counts(start) if start else (0, 0, 0, 0, 0)
    answers, errors, everything, of_servers, aborted = (
        after - earlier for earlier, after in zip(before, _counts(end), strict=True)
    )
    made = max(0, everything - of_servers - ours)
    return Visitors(host, answers + made, errors + made + aborted, unknown)


def merged(each: Iterable[Visitors]) -> Visitors:
    """Return the visitors of all hosts as one; what is unknown on one host is unknown."""
    hosts = tuple(each)
    named = [f"{one.host}: {one.unknown}" if len(hosts) > 1 else one.unknown for one in hosts if one.unknown]
    requests, failed = sum(one.requests for one in hosts), sum(one.failed for one in hosts)
    return Visitors("", requests, failed, ", ".join(named))
