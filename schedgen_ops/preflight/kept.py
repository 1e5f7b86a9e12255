"""What a host keeps of ours, as it is found before a deploy: approvals, releases, maintenance. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.preflight.probe import Problem, reason, unknown
from schedgen_ops.release import store
from schedgen_ops.remote import Result


def approvals(result: Result) -> Iterator[Problem]:
    """Find whether the approvals that were left cannot be read."""
    if not result.ok:
        yield Problem(f"the approvals cannot be read: {reason(result)}")


def releases(result: Result) -> Iterator[Problem]:
    """Find records that cannot be read."""
    if not result.ok:
        yield Problem(f"the releases' records cannot be read: {reason(result)}")
        return
    shelf = store.parse_shelf(result.stdout)
    if shelf.unreadable:
        named = ", ".join(filter(None, shelf.torn))
        text = f"{shelf.unreadable} release records cannot be read and are left alone"
        yield Problem(f"{text}: {named}" if named else text, refuses=False)


def maintenance(result: Result) -> Iterator[Problem]:
    """Find whether visitors are turned away: a deploy changes nothing about that."""
    if not result.ok:
        yield unknown("whether visitors are turned away", result)
    elif result.text:
        hint = "`inv ops.maintenance off` lets them in."
        text = f"{result.lines()[0][:200]}: during the deploy too, and after it"
        yield Problem(text, hint, refuses=False)
