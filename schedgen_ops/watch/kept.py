"""What a host kept of a watch that goes on without a laptop, read again, and how it stands. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops.settings import Check, Limits
from schedgen_ops.text import duration
from schedgen_ops.watch.host_sample import Reader
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.stats import WatchStats

_JUDGED = {"good": False, "failed": True, "unknown": None}


@dataclass(slots=True)
class Kept:
    """What a host has kept of a watch, read line by line.

    Attributes:
        alive: whether it still watches.
        ended: done, stopped where that was asked for, or "".
        owner: who started it, and what was asked for.
        now: seconds since the epoch, by the host's clock.
        boot: which of its boots the host runs in.
        figures: how the rounds went, by the host's own count.
    """

    alive: bool = False
    ended: str = ""
    owner: dict[str, Any] = field(default_factory=dict)
    now: int = 0
    boot: str = ""
    figures: RoundStats | None = None
    _stats: WatchStats | None = None
    _reader: Reader | None = None

    def feed(self, line: str) -> None:
        """Take a line of `detached.look`.

        Raises:
            ValueError: where its head cannot be read.
        """
        if self._reader is not None:
            self._sample(line)
            return
        word, _, rest = line.partition(" ")
        match word:
            case "alive" | "over":
                self.alive = word == "alive"
            case "now":
                self.now = int(rest)
            case "boot":
                self.boot = rest
            case "owner":
                self._own(rest)
            case "figures":
                self._figure(rest)
            case "ended":
                self.ended = rest
            case "samples":
                self._reader = Reader(len(self.stats.checks))

    def _own(self, text: str) -> None:
        try:
            self.owner = json.loads(text)
            spec = self.owner["spec"]
            self._stats = WatchStats(
                checks=tuple(Check.model_validate(each) for each in spec["checks"]),
                services=tuple(spec["services"]),
                limits=Limits.model_validate(spec["limits"]),
                ignore=tuple(spec["ignore"]),
                rounds=RoundStats(int(spec["duration"]), int(spec["interval"])),
                adopts=bool(spec["adopts"]),
            )
            int(self.owner["began"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"what is watched is not known: {error}") from None

    @property
    def there(self) -> bool:
        """Whether there is, or was, a watch."""
        return self._stats is not None

    @property
    def stats(self) -> WatchStats:
        """What the rounds showed.

        Raises:
            ValueError: where there is none.
        """
        if self._stats is None:
            raise ValueError("what is watched is not known")
        return self._stats

    @property
    def began(self) -> int:
        """When it began, in seconds since the epoch, by the host's clock."""
        return int(self.owner["began"])

    def _figure(self, text: str) -> None:
        checks, failures, unknown, row, worst, seen = map(int, text.split())
        rounds = self.stats.rounds
        self.figures = RoundStats(
            rounds.duration, rounds.interval, checks, failures, unknown, seen, row, worst
        )

    def _sample(self, line: str) -> None:
        if line.startswith("counted\t"):
            try:
                _, place, judged, count = line.split("\t")
                self.stats.count(_JUDGED[judged], int(place), min(int(count), self.stats.rounds.planned))
            except (ValueError, KeyError):
                return
        elif self._reader is not None and (sample := self._reader.feed(line)):
            self.stats.add(sample)

    def conclude(self) -> str:
        """Count what nobody saw, once all was read; say how the watch ended, "" where as planned."""
        stats, rounds = self.stats, self.stats.rounds
        past = min(max(0, self.now - self.began), rounds.duration)
        due = rounds.planned if self.ended == "done" else min(past // rounds.interval, rounds.planned)
        missing = due - rounds.seen
        if self.ended == "stopped":
            past = rounds.elapsed
            return f"ended by `inv verify.stop` after {past}s of {rounds.duration}s: the verdict so far"
        # One may still be looked at, on a slow host.
        if rounds.gap(due + 1) or (missing > 0 and not self.alive and not self.ended):
            stats.blind(missing)
        if self.alive:
            return f"still watching, {past}s of {rounds.duration}s are over: the verdict so far"
        if self.ended == "done":
            stats.end()
            return ""
        why = "the host was restarted" if self.boot != self.owner.get("boot") else "the watch was killed"
        seen = duration(rounds.elapsed, tenths=False)
        whole = duration(rounds.duration, tenths=False)
        stats.cut_off = f"{why} after {seen} of {whole}, and nobody watched from then on"
        return stats.cut_off

    def standing(self) -> str:
        """Return how the watch stands, in a few words; "" where there is none."""
        if not self.there:
            return ""
        rounds = self.figures or self.stats.rounds
        if self.ended == "done":
            rounds = rounds.blind(rounds.gap(rounds.planned + 1))
        whole = duration(rounds.duration, tenths=False)
        failed = f", {rounds.failures} of {rounds.checks} rounds failed"
        unknown = f", {rounds.unknown} unknown" if rounds.unknown else ""
        bad = rounds.verdict(self.stats.limits)
        if self.alive:
            text = f"{duration(max(0, self.now - self.began), tenths=False)} of {whole}"
        elif self.ended == "done":
            text = f"over after {whole}"
        else:
            how = "stopped" if self.ended else "cut off"
            text = f"{how} after {duration(rounds.elapsed, tenths=False)} of {whole}"
        return text + failed + unknown + (f": {bad}" if bad else "")


def read(text: str) -> Kept:
    """Return what `detached.look` printed.

    Raises:
        ValueError: where it cannot be read.
    """
    kept = Kept()
    for line in text.splitlines():
        kept.feed(line)
    return kept
