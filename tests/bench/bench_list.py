"""What `inv --list` costs with our tasks, and with as many tasks of bare Invoke. Run it with `python`.

Both are started in turns (A B A B), so that whatever else the machine does falls on both alike.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from invoke.collection import Collection

from schedgen_ops.tasks import namespace

ROOT = Path(__file__).parents[2]
GOAL = 1.3
FEWEST = 15


@dataclass(frozen=True, slots=True)
class Sample:
    """One start: milliseconds that passed, and milliseconds of CPU."""

    wall: float
    cpu: float


def bare(collection: Collection) -> str:
    """A tasks.py with a task for each of ours, of the same name and help; it imports Invoke alone."""
    lines = ["from invoke import Collection, task", "", "namespace = Collection()"]
    for number, (name, group) in enumerate(collection.collections.items()):
        lines += ["", f"group_{number} = Collection({name!r})", f"namespace.add_collection(group_{number})"]
        for index, own in enumerate(group.tasks.values()):
            function = f"task_{number}_{index}"
            lines += ["", "@task", f"def {function}(context):", f"    {own.__doc__!r}"]
            lines += [f"group_{number}.add_task({function}, name={own.name!r})"]
    return "\n".join((*lines, ""))


def start(folder: Path) -> Sample:
    """Run `inv --list` in `folder`, as a process of its own."""
    before, begun = _cpu(), time.perf_counter()
    argv = [sys.executable, "-m", "invoke", "--list"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, check=True)
    wall, cpu = time.perf_counter() - begun, _cpu() - before
    if len(done.stdout.splitlines()) < len(namespace.task_names):
        raise SystemExit(f"{folder} listed fewer tasks than there are")
    return Sample(wall * 1000, cpu * 1000)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def interleaved(folders: tuple[Path, ...], runs: int) -> Iterator[tuple[Sample, ...]]:
    """One sample of each folder, `runs` times; a first, uncounted start writes the byte code."""
    for folder in folders:
        start(folder)
    for _ in range(runs):
        yield tuple(start(folder) for folder in folders)


def report(bare_runs: list[Sample], our_runs: list[Sample]) -> float:
    """Print both medians and how they compare; returns the ratio of the times that passed."""
    print(f"{'inv --list':16}{'median':>10}{'fastest':>10}{'CPU, median':>14}")
    (bare_wall, bare_cpu), (our_wall, our_cpu) = (
        _line(title, runs) for title, runs in (("bare Invoke", bare_runs), ("schedgen_ops", our_runs))
    )
    ratio = our_wall / bare_wall
    print(f"{'ratio':16}{ratio:10.2f}{'':10}{our_cpu / bare_cpu:14.2f}   (goal: at most {GOAL})")
    return ratio


def _line(title: str, runs: list[Sample]) -> tuple[float, float]:
    wall, cpu = (statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs))
    print(f"{title:16}{wall:7.0f} ms{min(run.wall for run in runs):7.0f} ms{cpu:11.0f} ms")
    return wall, cpu


def main() -> None:
    """Measure, print, and exit with 1 where the goal is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=25, help=f"starts of each, at least {FEWEST}")
    runs = max(FEWEST, options.parse_args().runs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks.py").write_text(bare(namespace), encoding="utf-8")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        count = len(namespace.task_names)
        print(f"{count} tasks, {runs} starts each in turns, Python {sys.version.split()[0]}\n")
        pairs = list(interleaved((folder, ROOT), runs))
    ratio = report([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    if ratio > GOAL:
        sys.exit(f"inv --list takes {ratio:.2f} times what bare Invoke takes; the goal is {GOAL}")


if __name__ == "__main__":
    main()
