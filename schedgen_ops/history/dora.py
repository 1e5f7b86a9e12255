"""The four keys of software delivery, from the releases on hosts. Pure.

The definitions are those of DORA, "DORA's software delivery metrics: the four keys"
(https://dora.dev/guides/dora-metrics-four-keys/), read for what a release's record tells. A deploy is a
release that reached what serves: one that was taken back before its migrations or the ingress were begun,
since its code or its images could not be had, deployed nothing and is counted nowhere. One that needed a
person always counts.

- Deployment frequency: how often a change is deployed to production; deploys that came to serve are counted.
- Lead time for changes: from a commit to its deployment; the median over all commits that deploys brought.
- Change failure rate: the share of deploys that led to a failure which had to be mended. Counted are those
  that were taken back, that needed a person, or from which a rollback went back, of all that ended.
- Time to restore (failed deployment recovery time): from a failed deploy to a service that is right again. It
  began with the deploy where that never came to serve, and when it came to serve where it was rolled back.
  The median.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from schedgen_ops.clock import moment
from schedgen_ops.release.record import Release, State

_ENDED = (State.DONE, State.FAILED, State.BROKEN)
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Stats:
    """How deliveries went; None is what cannot be told, which is not 0.

    Attributes:
        deploys: those that ended; `served` of them came to serve, `failed` had to be mended.
        days: how long the time is that was looked at.
        weeks: served and failed deploys of each week of it, oldest first; the last one ends now.
        lead: seconds; over `changes` commits whose times are known.
        restore: seconds, over the failures that were mended.
    """

    deploys: int
    served: int
    failed: int
    days: float
    weeks: tuple[tuple[int, int], ...]
    changes: int
    lead: float | None
    restore: float | None

    @property
    def per_day(self) -> float | None:
        """Deploys that came to serve, a day; None where nothing was recorded."""
        return self.served / self.days if self.deploys else None

    @property
    def failure_rate(self) -> float | None:
        """The share of deploys that had to be mended, 0 to 1."""
        return self.failed / self.deploys if self.deploys else None


def stats(
    releases: Iterable[Release], commits: Mapping[str, Sequence[float]], since: datetime, until: datetime
) -> Stats:
    """Return the four keys of what ended between two moments.

    Args:
        releases: all of an environment, each once.
        commits: for a release's id, when the commits that it brought were made, in seconds since the epoch.
    """
    every = tuple(releases)
    deploys = [one for one in every if _is_deploy(one) and since <= _end(one, since) <= until]
    failed = {one.id: _mended(one, every) for one in deploys if _is_failed(one, every)}
    served = [one for one in deploys if one.state is State.DONE]
    leads = [max(0.0, _end(one, since).timestamp() - at) for one in served for at in commits.get(one.id, ())]
    mended = [seconds for seconds in failed.values() if seconds is not None]
    days = max((until - since).total_seconds() / _DAY, 1.0)
    return Stats(
        deploys=len(deploys),
        served=len(served),
        failed=len(failed),
        days=days,
        weeks=_weeks(deploys, set(failed), since, until),
        changes=len(leads),
        lead=median(leads) if leads else None,
        restore=median(mended) if mended else None,
    )


def _is_deploy(release: Release) -> bool:
    ended = release.state in _ENDED and moment(release.finished) is not None
    return ended and not release.restores and (release.reached or release.state is not State.FAILED)


def _end(release: Release, otherwise: datetime) -> datetime:
    return moment(release.finished) or otherwise


def _rollback(release: Release, every: Sequence[Release]) -> Release | None:
    """The rollback that went back from it, the first one that ended well."""
    back = [one for one in every if one.restores and one.previous == release.id and one.state is State.DONE]
    return min(back, key=lambda one: one.finished, default=None)


def _is_failed(release: Release, every: Sequence[Release]) -> bool:
    return release.state is not State.DONE or _rollback(release, every) is not None


def _mended(release: Release, every: Sequence[Release]) -> float | None:
    """Seconds until the service was right again; None where that did not come yet."""
    begun, ended = moment(release.started), moment(release.finished)
    if begun is None or ended is None:
        return None
    if release.state is State.FAILED:
        return max(0.0, (ended - begun).total_seconds())
    if release.state is State.DONE:
        back = _rollback(release, every)
        after = moment(back.finished) if back else None
        return max(0.0, (after - ended).total_seconds()) if after else None
    right = [moment(one.finished) for one in every if one.state is State.DONE]
    later = [one for one in right if one is not None and one >= ended]
    return (min(later) - begun).total_seconds() if later else None


def _weeks(
    deploys: Iterable[Release], failed: set[str], since: datetime, until: datetime
) -> tuple[tuple[int, int], ...]:
    week = timedelta(days=7)
    count = max(1, -((since - until) // week))
    found = [[0, 0] for _ in range(count)]
    for one in deploys:
        back = min(count - 1, (until - _end(one, since)) // week)
        found[count - 1 - back][one.id in failed] += 1
    return tuple((good, bad) for good, bad in found)
