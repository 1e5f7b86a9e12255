"""What a host notes of visitors that its ingress turns away. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Whether visitors are turned away.

    Attributes:
        what: whose visitors, how and by whom, in words; "" where they are let in.
        by: the user who turned them away; "" where that was not noted.
        since: when that was, RFC 3339; "" where that is not known.
    """

    what: str = ""
    by: str = ""
    since: str = ""


def note(services: Sequence[str], hold: int, user: str) -> str:
    """Return what a host is to note.

    Args:
        services: whose visitors are turned away; () for those of all.
        hold: seconds that a request waits first, 0 for none.
        user: who turns them away.
    """
    how = f"held for {hold} s, then turned away" if hold else "turned away"
    return f"visitors of {', '.join(services) or 'all services'} are {how} ({user})"


def look(ingress: str) -> Command:
    """Say in words how visitors are turned away, and since when; nothing where they are let in.

    Args:
        ingress: the folder of the ingress.
    """
    return host_script("ops/closed", title="are visitors let in", path=f"{ingress}/closed")


def parse(stdout: str) -> Maintenance:
    """Return what the answer of `look` says.

    Raises:
        ValueError: where its time is none.
    """
    what, _, since = stdout.strip().partition("\n")
    # No name of a service has a bracket.
    by = what.partition(" (")[2].removesuffix(")")
    return Maintenance(what, by, _time(since) if since else "")


def _time(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (OverflowError, OSError):
        raise ValueError(f"the host answered {seconds[:60]!r}") from None
