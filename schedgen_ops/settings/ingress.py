"""The section of a config file about the proxy in front of services that publish ports."""

from typing import Annotated, Literal

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section


class Ingress(Section):
    """The proxy that takes published ports over, so that services can be replaced behind them."""

    proxy: Literal["haproxy"] = Field(default="haproxy", description="What program it is.")
    image: t.ImageName = Field(default="haproxy:lts", description="Image with HAProxy 2.4 or later and bash.")
    page: t.LocalPath | None = Field(
        default=None, description="HTML file here for visitors under maintenance; null: a plain page."
    )
    retry_after: t.Seconds = Field(
        default=60, description="Seconds after which visitors under maintenance are told to try again."
    )
    http: t.Many[t.Port] = Field(
        default=(), description="Published ports that are passed on as HTTP, whatever was seen there."
    )
    tcp: t.Many[t.Port] = Field(
        default=(),
        description="Published ports whose bytes are passed on as they come, whatever was seen there.",
    )
    header_kb: Annotated[int, Field(ge=8, le=1024)] = Field(
        default=64, description="KiB that the headers of a request, or of an answer, may take together."
    )
    connections: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None, description="Connections at a time; null: as many as its limit of open files allows."
    )
    request_timeout: t.Seconds = Field(
        default=60, description="Seconds that the headers of a request may take to arrive."
    )
    connect_timeout: t.Seconds = Field(
        default=5, description="Seconds that a container may take to accept a connection."
    )
    idle_timeout: t.Seconds = Field(
        default=3600, description="Seconds that a request may go on without a byte, either way."
    )
