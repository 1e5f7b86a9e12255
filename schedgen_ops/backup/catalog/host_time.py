"""The time by a host's clock, which dates and names what is kept there. An operator's clock does not."""

from __future__ import annotations

from datetime import UTC, datetime

from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command, sh


def ask() -> Command:
    """Ask for the seconds since 1970 on the host."""
    return sh("date", "-u", "+%s").named("look at the clock")


def parse(stdout: str) -> datetime:
    """Read the answer of `ask`, in UTC.

    Raises:
        ValueError: for anything else.
    """
    return datetime.fromtimestamp(int(stdout), UTC)


def now(remote: Remote) -> datetime:
    """Return the time on a host, in UTC."""
    return parse(remote.run(ask(), deadline=60).stdout)


def together(fleet: Fleet) -> datetime | None:
    """Return the latest of these hosts' clocks, so that what they share has one name; None without hosts."""
    return max(fleet.each(now).values(), default=None)
