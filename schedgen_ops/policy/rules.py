"""What speaks against a deploy before any host is asked: the time and the name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.settings.policy import Freeze, Policy, dates, span

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def against(policy: Policy, ref: Ref, now: datetime) -> Iterator[str]:
    """Find what speaks against a deploy of `ref` now, a sentence each.

    Args:
        ref: the branch, tag or commit that was asked for.
        now: with its time zone.
    """
    if window := frozen(policy.freeze, now):
        why = f": {window.why}" if window.why else ""
        yield f"nothing is deployed {described(window)}{why}"
    if policy.branches and not allowed(policy, ref):
        yield f"{ref.name!r} may not be deployed here, only {', '.join(policy.branches)}"


def allowed(policy: Policy, ref: Ref) -> bool:
    """Tell whether `ref` is one of the names that may be deployed; a full name counts as its short one."""
    short = ref.name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return not policy.branches or any(fnmatchcase(short, pattern) for pattern in policy.branches)


def frozen(windows: Sequence[Freeze], now: datetime) -> Freeze | None:
    """Return the first window that `now` is in; None for none.

    Raises:
        ValueError: for a time without a zone.
    """
    if now.tzinfo is None:
        raise ValueError("a time of no zone")
    return next((window for window in windows if _within(window, now)), None)


def _within(window: Freeze, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(window.zone) if window.zone != "UTC" else UTC)
    begin, end = span(window.hours)
    moment = local.time().replace(tzinfo=None, fold=0)
    if end == time(0) or begin < end:
        return _named(window, local) and begin <= moment and (end == time(0) or moment < end)
    # It goes on the morning after the day that it is named by.
    return (_named(window, local) and moment >= begin) or (
        _named(window, local - timedelta(days=1)) and moment < end
    )


def _named(window: Freeze, day: datetime) -> bool:
    if window.days and _DAYS[day.weekday()] not in window.days:
        return False
    if window.dates is None:
        return True
    first, last = dates(window.dates)
    return first <= day.date() <= last


def described(window: Freeze) -> str:
    """Return when a window is, in words: "on fri, 14:00-24:00 Europe/Berlin"."""
    parts = [f"on {', '.join(window.days)}"] if window.days else []
    parts += [f"on {window.dates}"] if window.dates else []
    hours = "" if window.hours == "00:00-24:00" else f", {window.hours}"
    return f"{', '.join(parts)}{hours} ({window.zone})"
