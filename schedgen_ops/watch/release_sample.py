"""What is seen of a release in one interval, as a value and as a line of text. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class ReleaseSample:
    """One look at the release. None is "unknown": a gap, which is neither good nor bad nor zero.

    Attributes:
        at: seconds since the watch began.
        failed: 1 if one of our own checks did not pass, else 0.
        requests, errors: real requests that the new release answered at the ingress since the sample before.
        old_requests, old_errors: the same of the release before, which stands by.
        counted, count_errors, old_counted, old_count_errors: the same by the services' own counters.
        percent: the error rate that Prometheus gives for the configured query.
        p95, old_p95: seconds in which 95 % of requests were answered, by the new release and the one before.
        restarts: how often its containers ended or were restarted since the watch began.
        memory: what its containers use, in bytes.
        log_errors: lines of its logs since the sample before that speak of an error; where one of the logs
            cannot be read, none in the others is unknown.
    """

    at: float = 0.0
    failed: int | None = None
    requests: int | None = None
    errors: int | None = None
    old_requests: int | None = None
    old_errors: int | None = None
    counted: int | None = None
    count_errors: int | None = None
    old_counted: int | None = None
    old_count_errors: int | None = None
    percent: float | None = None
    p95: float | None = None
    old_p95: float | None = None
    restarts: int | None = None
    memory: int | None = None
    log_errors: int | None = None


_FLOATS = ("at", "percent", "p95", "old_p95")
_NAMES = tuple(field.name for field in fields(ReleaseSample))


def line(sample: ReleaseSample) -> str:
    """The sample as the host writes it: its fields in order, "-" for what is unknown."""
    return " ".join(_text(getattr(sample, name)) for name in _NAMES)


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.6f}"


def parse(text: str) -> ReleaseSample:
    """Reads a line that the host wrote.

    Raises:
        ValueError: for anything else.
    """
    words = text.split()
    if len(words) != len(_NAMES):
        raise ValueError(f"not a sample: {text!r}")
    values = {name: _number(name, word) for name, word in zip(_NAMES, words, strict=True)}
    return ReleaseSample(**values)  # type: ignore[arg-type]


def _number(name: str, word: str) -> float | None:
    if word == "-" and name != "at":
        return None
    return float(word) if name in _FLOATS else int(word)
