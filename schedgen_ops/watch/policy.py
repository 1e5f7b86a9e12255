"""The limits that a release is held to. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class GuardPolicy:
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


def variables(policy: GuardPolicy) -> tuple[str, ...]:
    """Return the policy as awk takes it: `-v NAME=VALUE` for each limit."""
    return tuple(word for name, value in asdict(policy).items() for word in ("-v", f"{name}={value!r}"))
