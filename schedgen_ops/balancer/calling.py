"""A load balancer told of a host from this machine: by a command of the operator's, or by a request."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from schedgen_ops import local_program
from schedgen_ops.log_excerpt import telling
from schedgen_ops.masking import Veil, veiled
from schedgen_ops.settings import Call, HostSettings, Request
from schedgen_ops.settings.balancer import ADDRESS, HOST
from schedgen_ops.settings.secrets import filled, named

_SAID, _LINES = 2_000, 3


class Failed(Exception):
    """A call did not do what it was to; the text says why, and holds no secret."""


def call(
    how: Call,
    host: HostSettings,
    secrets: Mapping[str, str],
    environ: Mapping[str, str],
    deadline: float,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Tell a load balancer of a host, once.

    Args:
        secrets: values by the names that the config has for them.
        environ: the variables of this machine, of which a request may take the others.
        deadline: seconds.
        over: whether nobody waits for it any more.

    Raises:
        Failed: where it did not end well.
    """
    veil = Veil()
    veil.learn((*secrets.values(), *(environ[name] for name in wanted(how) if name in environ)))
    try:
        if how.command is not None:
            _run(_words(how.command, host), secrets, deadline, over)
        elif how.http is not None:
            _ask(how.http, host, {**environ, **secrets}, deadline)
    except Failed as error:
        raise Failed(veil.text(str(error))) from None


def told(how: Call, host: HostSettings) -> str:
    """Return how somebody does it by hand; secrets stand there by their names alone."""
    if how.command is not None:
        return shlex.join(_words(how.command, host))
    return f"{how.http.method} {_for(how.http.url, host)}" if how.http is not None else ""


def wanted(how: Call) -> frozenset[str]:
    """Return the names of the secrets and variables that a request takes values of."""
    if how.http is None:
        return frozenset()
    texts = (*how.http.headers.values(), how.http.body or "")
    return frozenset(name for text in texts for name in named(text))


def _for(text: str, host: HostSettings) -> str:
    return text.replace(HOST, host.name).replace(ADDRESS, host.address)


def _words(command: tuple[str, ...], host: HostSettings) -> tuple[str, ...]:
    return tuple(_for(word, host) for word in command)


def _run(
    words: tuple[str, ...], secrets: Mapping[str, str], deadline: float, over: Callable[[], bool]
) -> None:
    try:
        ended = local_program.run(words, deadline, over=over, more=secrets)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "a secret holds what no variable can"
        raise Failed(f"{words[0]} could not be started: {why}") from None
    if ended.code == 0:
        return
    said = [line.strip() for line in (ended.said or ended.out).decode(errors="replace").splitlines()]
    last = "; ".join(veiled(line) for line in telling([line for line in said if line], _LINES))
    how = (
        f"gave no answer within {deadline:g} s"
        if ended.code is None
        else f"failed with exit code {ended.code}"
    )
    raise Failed(f"{words[0]} {how}{f': {last}' if last else ''}")


def _ask(request: Request, host: HostSettings, known: Mapping[str, str], deadline: float) -> None:
    # Nobody else needs what this takes to import.
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, build_opener
    from urllib.request import Request as Asked

    class Stay(HTTPRedirectHandler):
        """A header with a secret is for the one who was asked."""

        def redirect_request(self, *_: Any) -> None:
            """Return none: what was answered is the answer."""

    url = _for(request.url, host)
    headers = {name: _for(filled(text, known), host) for name, text in request.headers.items()}
    if any("\n" in text or "\r" in text for text in headers.values()):
        raise Failed("a header has more than one line")
    body = _for(filled(request.body, known), host).encode() if request.body is not None else None
    asked = Asked(url, data=body, headers=headers, method=request.method)
    try:
        with build_opener(Stay).open(asked, timeout=deadline) as answer:
            status, said = answer.status, answer.read(_SAID)
    except HTTPError as error:
        with error:
            status, said = error.code, error.read(_SAID)
    except ValueError:
        # What it quotes may be a secret.
        raise Failed(f"{request.method} {url} cannot be asked: HTTP has no such header or address") from None
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        raise Failed(f"{request.method} {url} failed: {why}") from None
    good = status == request.status if request.status else 200 <= status < 300
    if not good:
        first = veiled(said.decode(errors="replace").strip().partition("\n")[0][:200])
        raise Failed(f"{request.method} {url} answered {status}{f': {first}' if first else ''}")
