"""The limits that a release is held to, and what a verdict says. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits. A rule that is switched off has a limit below 0, or a factor or slope of 0.

    Attributes:
        error_percent: errors above this share of requests, or of our own checks, go back.
        consecutive: failed checks in a row that go back.
        min_checks, min_requests: fewer of them are not judged by their share.
        window: how many of the newest samples requests and log lines are summed over; slow ones in a row.
        latency_factor: how many times the p95 of the release before the new one's may be.
        min_p95: seconds; never slow below.
        restarts: more of them during the watch go back.
        leak: MB a minute that memory may grow; `leak_samples` before it is judged, none before `warm_up` s.
        log_errors: more lines in the window that speak of an error go back.
    """

    error_percent: float = 10.0
    consecutive: int = 3
    min_checks: int = 10
    min_requests: int = 20
    window: int = 3
    latency_factor: float = 3.0
    min_p95: float = 0.5
    restarts: int = 0
    leak: float = 20.0
    leak_samples: int = 24
    warm_up: float = 60.0
    log_errors: int = -1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the samples say.

    Attributes:
        back: whether the release goes back.
        insufficient: whether too few real requests came to judge by them.
        first: the number, from 1, of the first bad sample that decided.
        rule: checks, requests, counters, prometheus, latency, restarts, memory or logs.
        text: the reason in a sentence; `detail` has its figures.
    """

    back: bool = False
    insufficient: bool = False
    first: int = 0
    rule: str = ""
    text: str = ""
    detail: str = ""
