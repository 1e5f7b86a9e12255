"""What a host is asked while it is taken out of its load balancer, and what it notes of that. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from schedgen_ops.commands import files
from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.proxy import chosen
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

NO_INGRESS, TOO_OLD = 10, 11
"""Exit codes of `turn`: no ingress runs; it answers at no such path yet."""
_OPEN = {
    "open": "requests were still open after {most} s",
    "unknown": "the ingress did not tell in {most} s whether requests were open",
}


def look(settings: Settings) -> Command:
    """Print what a host notes of being taken out, and since when; nothing where it is not."""
    return host_script("ops/closed", title="is the host taken out", path=_note(settings))


def note(settings: Settings, text: str) -> Command:
    """Note on a host that it is taken out, in words."""
    return files.replace(_note(settings), f"{text}\n")


def forget(settings: Settings) -> Command:
    """Remove that note."""
    return files.remove(_note(settings)).named("note that the host is put back")


def _note(settings: Settings) -> str:
    return f"{Paths(settings.directory).state}/out"


def turn(settings: Settings, way: Literal["out", "back"], path: str, ports: Iterable[str]) -> Command:
    """Have the ingress say at `path` that the host is taken out, or go on as always, and look.

    Args:
        ports: where it listens for those who may ask there.
    """
    paths = Paths(settings.directory)
    title = "take the host out" if way == "out" else "put the host back"
    return host_script(
        "balancer/turn",
        title=title,
        state=paths.state,
        services=(INGRESS,),
        docker=Docker(settings.sudo).words,
        project=settings.project,
        folder=paths.ingress,
        proxy=chosen(settings).name,
        way=way,
        path=path,
        ports=tuple(ports),
    )


def drained(settings: Settings, drain: int) -> Command:
    """Wait until nothing more is sent to a host, and what it had begun has ended.

    Args:
        drain: seconds until nothing more is sent.
    """
    return host_script(
        "balancer/drained",
        title="wait for requests in flight",
        docker=Docker(settings.sudo).words,
        project=settings.project,
        proxy=chosen(settings).name,
        drain=drain,
        most=settings.rollout.drain,
    )


def left_open(stdout: str, most: int) -> str:
    """Return in words what the answer of `drained` says of requests that had not ended; "" for none."""
    return _OPEN.get(stdout.strip(), "").format(most=most)
