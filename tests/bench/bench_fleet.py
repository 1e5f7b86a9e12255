"""What a look at three hosts costs beside the same look at one of them, on a lab that is up with three.

Each is a whole `inv` from the shell to its end; one host and three in turns, so that load weighs on both.
It is done twice: with half a processor for each host, one or three of them, as hosts have processors of
their own; and with all of this machine's shared by the hosts that are looked at and the client. The goal is
for the first; the second tells how the processors here are shared. Ends with 1 where the goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import first_hosts

ROOT = Path(__file__).parents[2]
TASKS = {"inv status": ("status",), "inv deploy.preflight": ("deploy.preflight", "--branch", "v1.2.3")}

GOAL = 1.3
HALF = 50_000
"""Microseconds of each tenth of a second in which the processes of a host may run."""


def seconds(words: tuple[str, ...], hosts: str) -> float:
    """Return what one run took, whatever it found."""
    line = [sys.executable, "-m", "invoke", *words, "--env", "lab", "--hosts", hosts]
    began = time.monotonic()
    ran = subprocess.run(
        line, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    if ran.returncode not in (0, 3):
        sys.exit(f"{' '.join(line)}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return took


@contextmanager
def halved() -> Iterator[None]:
    """Each host has half a processor."""
    containers = [host.container for host in first_hosts(3)]
    docker.run("update", "--cpu-period=100000", f"--cpu-quota={HALF}", *containers)
    try:
        yield
    finally:
        docker.run("update", "--cpu-quota=-1", *containers)


def measure(title: str, words: tuple[str, ...], rounds: int) -> float:
    """Print the medians of one host and of three; return their ratio."""
    took: dict[str, list[float]] = {"app1": [], "app1,app2,app3": []}
    for _ in range(rounds):
        for hosts, found in took.items():
            found.append(seconds(words, hosts))
    one, three = (statistics.median(found) for found in took.values())
    print(f"{title}: one host {one:.2f} s, three {three:.2f} s, ratio {three / one:.2f}", flush=True)
    return three / one


def main() -> None:
    """Measure both; end with 1 where a ratio is above the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"Half a processor for each host (goal {GOAL}):")
    with halved():
        missed = [measure(title, words, rounds) > GOAL for title, words in TASKS.items()]
    print("All processors shared:")
    for title, words in TASKS.items():
        measure(title, words, rounds)
    sys.exit(any(missed))


if __name__ == "__main__":
    main()
