"""The time by a host's clock, which dates and names what is kept there. An operator's clock does not."""

from __future__ import annotations

from datetime import UTC, datetime

from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command, sh

# Clocks that differ by less make no difference to a log, a certificate or a lease.
_AGREE = 5.0


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


def apart(there: datetime, sent: datetime, received: datetime) -> str:
    """Return how a host's clock differs from this machine's, in words; "" where they agree.

    Args:
        there: what the host's clock said, asked at `sent` and answered by `received` of this machine's.
    """
    # It was read at some moment between the two, and tells whole seconds.
    early = (sent - there).total_seconds() - 1
    late = (there - received).total_seconds()
    gap = max(early, late, 0.0)
    if gap < _AGREE:
        return ""
    way = "behind" if early > late else "ahead of"
    return f"the host's clock is {gap:.0f} s {way} this machine's"
