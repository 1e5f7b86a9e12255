"""What Grafana is told of a run, as values, and the request that tells it. Pure.

The form is that of its HTTP API, `POST /api/annotations`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from schedgen_ops.commands import http
from schedgen_ops.errors import ConfigError
from schedgen_ops.events import Fact, RunFinished
from schedgen_ops.notify.notice import Surroundings, ending
from schedgen_ops.notify.run_summary import RunSummary
from schedgen_ops.shell import Command, Secret
from schedgen_ops.ui.terminal import printable

# What RFC 6750 lets a token hold, and the colon of some: none of it can end a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/:-]+=*\Z")
_RESULTS = {0: "finished", 4: "rolled_back", 130: "interrupted"}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Annotation:
    """A mark in Grafana; a region where its two times differ.

    Attributes:
        time: when it begins, `timeEnd` when it ends, in milliseconds since 1970.
        text: HTML, as Grafana shows it.
    """

    time: int
    timeEnd: int
    tags: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard of a host decided, and when, in milliseconds since 1970."""

    at: int
    host: str
    outcome: str
    reason: str


def verdict(fact: Fact, at: int) -> Verdict:
    """Return the verdict that `guard.verdict` tells."""
    outcome, reason = fact.value
    return Verdict(at, fact.host, str(outcome), str(reason))


def of_run(run: RunSummary, end: RunFinished, by: str, began: int, ended: int) -> Annotation:
    """Return the region of a run, from its start to its end.

    Args:
        by: who ran it.
        began: milliseconds since 1970, as `ended`.
    """
    told = ending(run, Surroundings(by), end, "")
    tags = (*_tags(run), f"result:{_RESULTS.get(end.code, 'failed')}")
    return Annotation(began, ended, tags, _shown(told.title, told.body))


def of_verdict(run: RunSummary, found: Verdict) -> Annotation:
    """Return the mark of a guard's verdict."""
    words = {"kept": "kept", "left": "good on the canary host"}
    title = f"Guard on {found.host}: {words.get(found.outcome, 'taken back')}"
    tags = (*_tags(run), "guard", f"host:{found.host}", f"result:{found.outcome}")
    return Annotation(found.at, found.at, tags, _shown(title, found.reason))


def _tags(run: RunSummary) -> Iterator[str]:
    yield from ("schedgen", run.command)
    yield f"environment:{run.started.env if run.started else ''}"
    if release := run.fact("release"):
        yield f"release:{printable(release)[:_LONGEST]}"


def _shown(*lines: str) -> str:
    """Lines as HTML that has no markup of whoever wrote them."""
    return html.escape("\n".join(filter(None, lines)), quote=False)


def checked(token: Secret) -> Secret:
    """Return the token, if it can be sent.

    Raises:
        ConfigError: where it cannot; the text has nothing of it.
    """
    if not _TOKEN.match(token.reveal()):
        raise ConfigError("its token has characters that no token has")
    return token


def post(url: str, annotation: Annotation, token: Secret, limit: float) -> Command:
    """Return the command that makes an annotation, on the host.

    Args:
        url: of Grafana, as the host reaches it.
        limit: seconds.
    """
    body = json.dumps(asdict(annotation)).encode()
    return http.post(f"{url.rstrip('/')}/api/annotations", limit, "application/json", body, token)


def refusal(stdout: str) -> str:
    """Return why what `post` printed is no success; "" for one."""
    reply = http.parse_reply(stdout)
    if not reply.status:
        return reply.error
    if reply.status in (401, 403):
        return f"it refused the token (status {reply.status}): it has to be an Editor's"
    if reply.status != 200:
        return f"it answered with status {reply.status}"
    return "" if '"id"' in reply.body else "what answers there is no Grafana"
