"""`inv verify.quick` on a connected host against its slowest check; and the memory that a day's watch takes.

The lab has to be up. Run it with `python`; it ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from schedgen_ops import loading
from schedgen_ops.clock import SystemClock
from schedgen_ops.events import silence
from schedgen_ops.host import Host, connect_all
from schedgen_ops.host_context import HostContext
from schedgen_ops.settings import Settings
from schedgen_ops.verify import checks, run

ROOT = Path(__file__).parents[2]
GOAL = 1.2
MEMORY_GOAL = 50.0


def seconds(action: Callable[[], object]) -> float:
    """How long it took."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def compare(host: Host, settings: Settings, rounds: int) -> float:
    """Every check alone and all of them together, in turns; returns how the medians compare.

    A check alone is run as `inv verify.services` runs it; `bare` is its command and nothing else.
    """
    found = checks.on(settings, settings.host(host.name), checks.QUICK)
    alone: dict[str, list[float]] = {check.name: [] for check in found}
    whole: list[float] = []

    bare: dict[str, list[float]] = {check.name: [] for check in found}

    def single(check: checks.Check) -> Callable[[], object]:
        return lambda: checks.judged([check], host.together([check.command], deadline=30))

    def command(check: checks.Check) -> Callable[[], object]:
        return lambda: host.run(check.command, deadline=30, check=False)

    for _ in range(rounds):
        for check in found:
            alone[check.name].append(seconds(single(check)))
            bare[check.name].append(seconds(command(check)))
        whole.append(seconds(lambda: run.quick(HostContext(host, settings, SystemClock(), silence))))
    trips = _round_trips(host, settings)
    medians = {name: statistics.median(times) for name, times in alone.items()}
    for name, median in medians.items():
        print(
            f"{name:28}{median * 1000:8.0f} ms{min(alone[name]) * 1000:8.0f} ms"
            f"   bare {statistics.median(bare[name]) * 1000:.0f} ms"
        )
    slowest, all_of_it = max(medians.values()), statistics.median(whole)
    print(f"{'one after the other':28}{sum(medians.values()) * 1000:8.0f} ms")
    print(f"{'verify.quick':28}{all_of_it * 1000:8.0f} ms{min(whole) * 1000:8.0f} ms   {trips} round trip")
    ratio = all_of_it / slowest
    print(f"{'against the slowest check':28}{ratio:8.2f}   (goal: at most {GOAL})")
    return ratio


def _round_trips(host: Host, settings: Settings) -> int:
    """Channels that one verification opens."""
    transport: Any = host._pool.transport()
    opened: list[str] = []
    before = transport.open_session

    def counted(*words: Any, **named: Any) -> Any:
        opened.append("session")
        return before(*words, **named)

    transport.open_session = counted
    try:
        run.quick(HostContext(host, settings, SystemClock(), silence))
    finally:
        transport.open_session = before
    return len(opened)


def a_day(rounds: int) -> None:
    """A watch in a process of its own: a made host says `rounds` rounds, all is reckoned, shown and drawn."""
    import rich.live  # noqa: F401 - what a watch on a terminal has loaded

    from schedgen_ops.cli.watch_report import report
    from schedgen_ops.ui.report import html
    from schedgen_ops.watch.host_sample import Reader
    from schedgen_ops.watch.panel import panel
    from schedgen_ops.watch.watcher import begin

    settings = loading.load("lab", root=ROOT)
    (host,) = connect_all(settings, settings.hosts[:1], prompt=None)
    seen = begin(HostContext(host, settings, SystemClock(), silence), rounds * 10)
    reader = Reader(len(settings.checks))
    for number in range(1, rounds + 1):
        for line in _round(settings, number):
            if sample := reader.feed(line):
                seen.add(sample)
        # Often enough for what it takes; every round would only take the bench longer.
        if number % 40 == 0:
            panel(seen, "app1")
    assert seen.rounds.checks == rounds
    page = len(html(report("A day", (), {"app1": seen})))
    status = Path("/proc/self/status").read_text()
    own = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert own
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{int(own[1]) / 1024:.1f} {peak / 1024:.1f} {page / 1024:.0f}")


def _round(settings: Settings, number: int) -> Iterator[str]:
    yield f"round\t{number}\t{number * 10_000_000}"
    yield f"memory\t1000\t{500 + number % 7}"
    for index in range(len(settings.checks)):
        yield f"http\t{index}\t200 0.0{number % 89 + 10} "
    yield "containers"
    for name in settings.services:
        yield f"container\t{name}\t/{name}-1\t{name}\tr\trunning\thealthy\t0\tfalse\t2025\t-"
        yield f"usage\t{name}\t{80_000_000 + number % 997 * 999}\t400000000\t{number * 1000}"
    yield "looked"
    yield f"log\tredis\t1\tERROR {number}\tERROR {number}"
    yield f"end\t{number}\t9"


def memory() -> float:
    """MiB of its own that a day's watch takes, beside what one of ten minutes does."""
    for title, rounds in (("a watch of 10 minutes", 60), ("a watch of a day", 8640)):
        words = [sys.executable, __file__, "--day", str(rounds)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        own, peak, page = map(float, done.stdout.split())
        print(f"{title:28}{own:8.1f} MiB   {peak:.1f} with the programs' files; report of {page:.0f} KiB")
    return own


def main() -> None:
    """Measure, print, and exit with 1 where a goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=30, help="of each check")
    options.add_argument("--day", type=int, default=0, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.day:
        a_day(given.day)
        return
    settings = loading.load("lab", root=ROOT)
    (host,) = connect_all(settings, settings.hosts[:1], prompt=None)
    try:
        host.open()
        print(f"{given.rounds} times each, in turns: median and fastest\n")
        ratio = compare(host, settings, given.rounds)
    finally:
        host.close()
    print()
    peak = memory()
    if ratio > GOAL or peak > MEMORY_GOAL:
        sys.exit(f"a goal is missed: {ratio:.2f} of at most {GOAL}, {peak:.1f} of at most {MEMORY_GOAL} MiB")


if __name__ == "__main__":
    main()
