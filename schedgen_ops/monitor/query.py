"""A question to Prometheus on a host, and its answer. Pure.

The form is that of its HTTP API, `/api/v1/query_range`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from schedgen_ops.commands import http
from schedgen_ops.shell import Command

POINTS = 60
_DEADLINE = 30.0
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class QuerySeries:
    """One series of an answer.

    Attributes:
        labels: in words, without its name where the query took that away.
        values: newest last; NaN where there is none.
    """

    labels: str
    values: tuple[float, ...]

    @property
    def known(self) -> tuple[float, ...]:
        """The values that are numbers."""
        return tuple(value for value in self.values if math.isfinite(value))


def ask(address: str, query: str, now: float, seconds: float) -> Command:
    """Return the command that asks for the `seconds` before `now`, in `POINTS` steps.

    Args:
        address: of Prometheus, on the host itself.
        query: PromQL.
        now: seconds since 1970, by the host's clock.
    """
    step = max(1, math.ceil(seconds / POINTS))
    end = math.floor(now / step) * step
    words = {"query": query, "start": end - step * (POINTS - 1), "end": end, "step": step}
    return http.fetch(f"{address.rstrip('/')}/api/v1/query_range?{urlencode(words)}", _DEADLINE)


def parse(stdout: str) -> tuple[QuerySeries, ...]:
    """Read the answer of `ask`.

    Raises:
        ValueError: with what Prometheus says against the question, or why there is no answer.
    """
    reply = http.parse_reply(stdout)
    if not reply.status:
        raise ValueError(reply.error)
    if reply.cut:
        raise ValueError("the answer is too long; ask for fewer series, as with topk(10, ...)")
    try:
        answer = json.loads(reply.body)
        if answer["status"] != "success":
            raise ValueError(str(answer["error"]))
        return tuple(_series(each) for each in answer["data"]["result"])
    except (LookupError, TypeError, AttributeError, json.JSONDecodeError):
        raise ValueError(f"what answers there is no Prometheus: status {reply.status}") from None


def _series(found: Mapping[str, Any]) -> QuerySeries:
    labels = {str(key): str(value) for key, value in found["metric"].items()}
    name = labels.pop("__name__", "")
    text = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    values = tuple(float(value) for _, value in found["values"])
    return QuerySeries(f"{name}{{{text}}}" if text else name or "{}", values)


def line(series: QuerySeries) -> str:
    """Return the values as a line of bars, the least one the lowest."""
    known = series.known
    if not known:
        return ""
    # By halves: the span of the largest and the least number there are is no number.
    least, most = min(known) / 2, max(known) / 2
    span, top = most - least, len(_BARS) - 1
    shares = ((value / 2 - least) / span if span else 0.0 for value in series.values)
    drawn = zip(series.values, shares, strict=True)
    return "".join(_BARS[round(share * top)] if math.isfinite(value) else " " for value, share in drawn)
