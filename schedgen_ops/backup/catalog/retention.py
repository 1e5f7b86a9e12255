"""Retention: which backups may go, and why each of the others stays. Pure.

A backup stays for as long as any rule holds it; what we did not make is not even looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["good", "safety", "superseded", "failed", "unfinished", "unreadable"]

_WHAT = {
    "failed": "failed",
    "safety": "a copy that a restore made first",
    "superseded": "put aside by a restore",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder or database that bears a name of ours, and may have to go.

    Attributes:
        kind: good (DONE, its manifest readable); safety (the same, of what a restore was about to replace: it
            counts as none of the newest); superseded (what a restore replaced, where it was); failed (says so
            itself); unfinished (left by a run that was killed: whoever prunes holds the lock, so nobody is at
            work on it); unreadable (no manifest, or a torn one).
        made: when, by the host's clock; None where neither manifest nor name tells.
        number: its place among the backups of the host, which no clock can change; 0 for the first ones.
        proven: whether a drill restored it.
        size: bytes on disk.
    """

    name: str
    kind: Kind
    made: datetime | None
    number: int = 0
    proven: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class RetentionVerdict:
    """A decision on one candidate, with its reason in words."""

    name: str
    keep: bool
    why: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long backups stay: at least `days` days, and at least the newest `count` good ones."""

    days: int
    count: int


def decide(
    found: Iterable[Candidate], needed: Mapping[str, str], policy: RetentionPolicy, now: datetime
) -> tuple[RetentionVerdict, ...]:
    """Return a verdict on every candidate, newest first.

    Args:
        needed: names of backups that a kept release may need, each with the release's id.
    """
    ordered = sorted(found, key=lambda c: (c.number, c.made or now, c.name), reverse=True)
    good = [c for c in ordered if c.kind == "good"]
    newest = {c.name: number for number, c in enumerate(good)}
    proof = next((c.name for c in good if c.proven), "")

    def why(candidate: Candidate) -> str:
        if candidate.kind == "good":
            return _why_good(candidate, newest[candidate.name], proof, needed, policy, now)
        return _why_other(candidate, policy, now)

    return tuple(_verdict(candidate, why(candidate), policy) for candidate in ordered)


def _why_good(
    candidate: Candidate,
    number: int,
    proof: str,
    needed: Mapping[str, str],
    policy: RetentionPolicy,
    now: datetime,
) -> str:
    """Why it stays; "" if nothing holds it."""
    if number == 0:
        return "the newest good one"
    if number < policy.count:
        return f"one of the newest {policy.count}"
    if _young(candidate, policy, now):
        return f"younger than {_days(policy.days)}"
    if candidate.name in needed:
        return f"release {needed[candidate.name]} may need it"
    if candidate.name == proof:
        return "the newest that a drill has proven"
    return ""


def _why_other(candidate: Candidate, policy: RetentionPolicy, now: datetime) -> str:
    if candidate.kind == "unfinished":
        return ""
    if candidate.kind == "unreadable":
        return "its manifest cannot be read: look at it by hand"
    return (
        f"{_WHAT[candidate.kind]}, and younger than {_days(policy.days)}"
        if _young(candidate, policy, now)
        else ""
    )


def _young(candidate: Candidate, policy: RetentionPolicy, now: datetime) -> bool:
    # One without a date, or from the future of a clock that jumped, is young.
    return candidate.made is None or now - candidate.made < timedelta(days=policy.days)


def _verdict(candidate: Candidate, why: str, policy: RetentionPolicy) -> RetentionVerdict:
    if why:
        return RetentionVerdict(candidate.name, True, why, candidate.size)
    older = f", and older than {_days(policy.days)}"
    reason = {
        "good": f"older than {_days(policy.days)}, and {policy.count} newer ones stay",
        "unfinished": "left unfinished by a run that was ended",
    }
    why = reason.get(candidate.kind, f"{_WHAT.get(candidate.kind, '')}{older}")
    return RetentionVerdict(candidate.name, False, why, candidate.size)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
