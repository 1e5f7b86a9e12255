"""The section of a config file about the load balancer in front of several hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import DEFAULTS, Section
from schedgen_ops.settings.secrets import Commands, Template
from schedgen_ops.settings.violations import Violation, refuse

HOST, ADDRESS = "{host}", "{address}"
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]*\}")


def _known(value: str) -> str:
    """Nothing but our placeholders, where braces can mean nothing else."""
    if others := [each for each in _PLACEHOLDER.findall(value) if each not in (HOST, ADDRESS)]:
        raise ValueError(f"knows {HOST} and {ADDRESS}, not {others[0]}")
    return value


HealthPath = Annotated[
    str, t.Looks(r"^/[A-Za-z0-9._~/-]*$", "a path of letters, digits and '._~/-', beginning with '/'")
]
HeaderName = Annotated[str, t.Looks(r"^[A-Za-z0-9-]+$", "the name of a header: letters, digits and '-'")]
CallUrl = Annotated[t.Url, AfterValidator(_known)]
CallWord = Annotated[t.Word, AfterValidator(_known)]


class Request(Section):
    """An HTTP request that this machine makes; {host} and {address} stand for the host's."""

    url: CallUrl = Field(description="What is asked; a redirect is an answer, and not followed.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="How it is asked."
    )
    headers: Annotated[Mapping[HeaderName, Template], AfterValidator(t.Fixed)] = Field(
        default={},
        description="Headers; ${NAME} is one of `balancer.secrets`, or an environment variable here.",
    )
    body: Template | None = Field(default=None, description="What is sent, with ${NAME} as in headers.")
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        default=None, description="The status it has to have; any from 200 to 299 without this key."
    )


class Call(Section):
    """How a load balancer is told of a host: one of these."""

    command: Annotated[tuple[CallWord, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None,
        description="Command here, run without a shell, which ends with 0; {host} and {address} are the "
        "host's, and `balancer.secrets` are in its environment.",
    )
    http: Request | None = Field(default=None, description="Request of this machine's, in place of one.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.http is None):
            refuse([((), "must have one of command and http")])
        return self


class Balancer(Section):
    """The load balancer in front of the hosts, which each leaves before its services are touched."""

    service: t.ServiceName | None = Field(
        default=None, description="Hosts that run this service are behind it; all of them without this key."
    )
    health: HealthPath | None = Field(
        default=None,
        description="Path that it asks of each host for its health, on an HTTP port of the ingress: "
        "the ingress answers 503 there while the host is taken out.",
    )
    take_out: Call | None = Field(default=None, description="What takes a host out, in place of `health`.")
    put_back: Call | None = Field(default=None, description="What puts it back.")
    secrets: Commands = Field(
        default=DEFAULTS, description="The command here that prints each secret of take_out and put_back."
    )
    drain: t.SecondsOrNone = Field(
        default=10,
        description="Seconds after a host was taken out until nothing more is sent to it: two of the load "
        "balancer's looks at its health, say.",
    )
    rejoin: t.SecondsOrNone = Field(
        default=10,
        description="Seconds after a host was put back until it gets requests again; the next ones are "
        "taken out then.",
    )
    deadline: t.Seconds = Field(default=30, description="Seconds that a command or a request may take.")
    tries: Annotated[int, Field(ge=1, le=20)] = Field(
        default=3, description="How often each is tried, two seconds apart, before it counts as failed."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        calls = [name for name in ("take_out", "put_back") if getattr(self, name)]
        if self.health and calls:
            refuse([((calls[0],), "excludes `health`, which says how already")])
        if not self.health and len(calls) < 2:
            refuse([((), "must have `health`, or both take_out and put_back")])
        if self.health and self.secrets:
            refuse([(("secrets",), "are for take_out and put_back, which are not there")])
        return self


def broken(
    balancer: Balancer | None, hosts: Sequence[str], batches: Sequence[Sequence[str]], *, canary: bool
) -> Iterator[Violation]:
    """Yield where hosts could not be taken out without all of them being out.

    Args:
        hosts: the names of those behind it.
        batches: all hosts, as they are updated.
        canary: whether the first batch is one of canary hosts.
    """
    if balancer is None:
        return
    if len(hosts) < 2:
        yield ("balancer",), "needs two hosts behind it: the only one would be taken out"
        return
    for number, batch in enumerate(batches):
        if {*hosts} <= {*batch}:
            key = "canary_hosts" if canary and number == 0 else "batch"
            yield ("rollout", key), f"takes all {len(hosts)} hosts out of the load balancer at once"
