"""What the prober saw over time, in so few figures that a journal can keep them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schedgen_ops.probe.report import ProbeAnswer, quantile

_MOST = 120


@dataclass(frozen=True, slots=True)
class Series:
    """The requests in slices of equal length, all hosts together.

    Attributes:
        seconds: how long a slice is.
        bins: for each slice its requests, those that failed, and the median and the slowest answer in ms.
        phases: each phase, and the seconds after the first request at which it began.
    """

    seconds: float = 0.0
    bins: tuple[tuple[int, int, float, float], ...] = ()
    phases: tuple[tuple[str, float], ...] = ()


def series(hosts: Iterable[Sequence[ProbeAnswer]]) -> Series:
    """Return the answers of each host's prober as one series; a host's time begins with its first request."""
    each = [[(answer.start - answers[0].start, answer) for answer in answers] for answers in hosts if answers]
    every = [one for answers in each for one in answers]
    if not every:
        return Series()
    width = max(1.0, (max(at for at, _ in every) + 0.001) / _MOST)
    slices: list[list[ProbeAnswer]] = [[] for _ in range(int(max(at for at, _ in every) / width) + 1)]
    for at, answer in every:
        slices[int(at / width)].append(answer)
    phases: dict[str, float] = {}
    for at, answer in sorted(every, key=lambda one: one[0]):
        phases.setdefault(answer.phase, round(at, 3))
    return Series(round(width, 6), tuple(map(_bin, slices)), tuple(phases.items()))


def _bin(answers: Sequence[ProbeAnswer]) -> tuple[int, int, float, float]:
    times = sorted(answer.seconds * 1000 for answer in answers)
    failed = sum(not answer.good for answer in answers)
    return len(answers), failed, round(quantile(times, 0.5), 1), round(times[-1] if times else 0.0, 1)
