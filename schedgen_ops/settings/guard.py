"""The section `guard`: when a release that was deployed goes back by itself."""

from typing import Annotated, Literal

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section

Share = Annotated[int, Field(ge=1, le=99)]
MetricName = Annotated[str, t.Looks(r"^[A-Za-z_:][A-Za-z0-9_:]*$", "the name of a metric")]


class Query(Section):
    """An error rate that Prometheus knows."""

    url: t.Url = Field(
        default="http://localhost:9090", description="Where Prometheus answers on the host itself."
    )
    query: Annotated[str, Field(min_length=1)] = Field(
        description="PromQL that gives one figure, in percent."
    )


class Guard(Section):
    """When a release goes back by itself. How long and how often is asked: see `watch`; how bad: `limits`."""

    enabled: bool = Field(default=False, description="Every `inv deploy` is one of `inv deploy.guarded`.")
    canary: t.Many[Share] = Field(
        default=(), description="Shares of the requests that a new release gets first, in percent."
    )
    pause: t.Seconds = Field(default=60, description="Seconds that each of these shares is watched.")
    insufficient_traffic: Literal["accept", "wait", "rollback"] = Field(
        default="accept", description="What happens where too few real requests came to judge by them."
    )
    traffic_timeout: t.Seconds = Field(
        default=3600,
        description="Seconds to wait for more requests with `insufficient_traffic: wait`; then it goes back.",
    )
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=20, description="Fewer real requests in a window are not judged."
    )
    min_checks: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=10, description="Fewer rounds of our own checks are not judged by their share."
    )
    window: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Newest samples that are judged together; slow ones in a row that go back."
    )
    latency_factor: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = Field(
        default=3.0, description="How many times the earlier p95 latency may be reached; 0 does not ask."
    )
    min_p95: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = Field(
        default=0.5, description="A p95 latency below this is never slow, in seconds."
    )
    restarts: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=0, description="Ends of new containers that are let pass; null does not ask."
    )
    leak: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Field(
        default=20.0, description="MB a minute by which memory may grow steadily; 0 does not ask."
    )
    leak_samples: Annotated[int, Field(ge=3, le=10_000)] = Field(
        default=24, description="Samples of the memory before it is judged."
    )
    warm_up: t.SecondsOrNone = Field(
        default=60, description="Seconds at first in which memory may grow as it likes."
    )
    log_errors: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="New error lines in a window that are let pass; null does not ask."
    )
    metrics: t.CheckName | None = Field(
        default="metrics", description="The check whose URL gives counters in Prometheus's format; or null."
    )
    requests_metric: MetricName = Field(
        default="http_requests_total", description="Counter of requests, with a label status or code."
    )
    latency_metric: MetricName = Field(
        default="http_request_duration_seconds", description="Histogram of the time to answer."
    )
    prometheus: Query | None = Field(default=None, description="An error rate asked of Prometheus.")
