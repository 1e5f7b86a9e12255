"""What a look at three hosts costs beside the same look at one of them, on a lab that is up with three.

Each is a whole `inv` from the shell to its end; one host and three in turns, so that load weighs on both.
Ends with 1 where the goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
TASKS = {"inv status": ("status",), "inv deploy.preflight": ("deploy.preflight", "--branch", "v1.2.3")}

GOAL = 1.3


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


def main() -> None:
    """Print the medians and their ratio; end with 1 where one is above the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    missed = False
    for title, words in TASKS.items():
        took: dict[str, list[float]] = {"app1": [], "app1,app2,app3": []}
        for _ in range(rounds):
            for hosts, found in took.items():
                found.append(seconds(words, hosts))
        one, three = (statistics.median(found) for found in took.values())
        missed |= three / one > GOAL
        print(f"{title}: one host {one:.2f} s, three {three:.2f} s, ratio {three / one:.2f} (goal {GOAL})")
    sys.exit(missed)


if __name__ == "__main__":
    main()
