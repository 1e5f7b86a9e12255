"""Runs of an environment: its hosts' releases are the truth, this machine's journals add to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from schedgen_ops.clock import moment
from schedgen_ops.release.record import Release, State

RESULTS = {
    State.STARTED: "unfinished",
    State.DONE: "done",
    State.FAILED: "taken back",
    State.BROKEN: "needs a person",
    State.ADOPTED: "adopted",
}
_WORST = (State.ADOPTED, State.DONE, State.STARTED, State.FAILED, State.BROKEN)
_RELEASES = ("deploy", "move", "rollback")


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is over, or was never ended.

    Attributes:
        at: when it began, with its zone.
        who: user@laptop; "" where only a journal of this machine tells of it.
        seconds: how long it took; None where that is not known.
        source: hosts or journal.
    """

    at: datetime
    env: str
    who: str
    what: str
    result: str
    seconds: float | None
    release: str = ""
    hosts: tuple[str, ...] = ()
    source: str = "hosts"


@dataclass(frozen=True, slots=True)
class Journaled:
    """A run that this machine's journal tells of."""

    command: str
    run: str
    what: str
    result: str
    begun: str
    seconds: float
    hosts: tuple[str, ...]


def merged(by_host: Mapping[str, Iterable[Release]]) -> tuple[tuple[Release, tuple[str, ...]], ...]:
    """Return each release once, as it is on the host where it went worst, with all its hosts."""
    found: dict[str, list[tuple[Release, str]]] = {}
    for host, releases in by_host.items():
        for release in releases:
            found.setdefault(release.id, []).append((release, host))
    return tuple(
        (
            max((one for one, _ in each), key=lambda one: (_WORST.index(one.state), one.reached)),
            tuple(host for _, host in each),
        )
        for each in found.values()
    )


def past(
    env: str, by_host: Mapping[str, Iterable[Release]], journaled: Iterable[Journaled]
) -> tuple[PastRun, ...]:
    """Return the runs of an environment, newest first."""
    releases = merged(by_host)
    known = {release.run or release.id[:15] for release, _ in releases}
    runs = [*_of_hosts(env, releases), *_of_journals(env, journaled, known)]
    return tuple(sorted(runs, key=lambda run: run.at, reverse=True))


def _of_hosts(env: str, releases: Iterable[tuple[Release, tuple[str, ...]]]) -> Iterator[PastRun]:
    for release, hosts in releases:
        begun, ended = moment(release.started), moment(release.finished)
        if begun is None:
            continue
        seconds = (ended - begun).total_seconds() if ended else None
        what = f"rollback to {release.restores}" if release.restores else f"deploy {release.branch}"
        if release.state is State.ADOPTED:
            what = "found running"
        yield PastRun(begun, env, release.by, what, RESULTS[release.state], seconds, release.id, hosts)


def _of_journals(env: str, journaled: Iterable[Journaled], known: set[str]) -> Iterator[PastRun]:
    for one in journaled:
        at = moment(one.begun)
        if at is None or (one.command in _RELEASES and one.run in known):
            continue
        yield PastRun(at, env, "", one.what, one.result, one.seconds, "", one.hosts, "journal")
