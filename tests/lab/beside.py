"""Processes run the lab's tests beside each other: each has a lab of its own, with its own hosts.

`python tests/lab/beside.py WORDS...` runs a command on each of the labs beside the first one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = {"gw1": 1, "gw2": 2}
"""The numbers of the labs beside the first, by what pytest-xdist calls the processes that have them."""


def lab_beside(environ: Mapping[str, str], number: int) -> dict[str, str]:
    """The variables of a lab beside the one that `environ` means: another name, addresses and folder."""
    *rest, last = environ.get("SCHEDGEN_LAB_NET", "127.0.0").split(".")
    suffix = f"-beside{number if number > 1 else ''}"
    return {
        "SCHEDGEN_LAB_NAME": f"{environ.get('SCHEDGEN_LAB_NAME', '1')}{suffix}",
        "SCHEDGEN_LAB_NET": ".".join((*rest, str((int(last) + 100 * number) % 256))),
        "SCHEDGEN_LAB_DIR": f"{environ.get('SCHEDGEN_LAB_DIR') or ROOT / '.lab'}{suffix}",
    }


def on_all(words: list[str]) -> int:
    """Run a command on each of them; the exit code of the last that failed, else 0."""
    codes = [
        subprocess.call(words, env={**os.environ, **lab_beside(os.environ, number)})
        for number in BESIDE.values()
    ]
    return max(codes, key=abs)


# As soon as this is imported: the lab's modules read them once.
if number := BESIDE.get(os.environ.get("PYTEST_XDIST_WORKER", "")):
    os.environ.update(lab_beside(os.environ, number))

if __name__ == "__main__":
    sys.exit(on_all(sys.argv[1:]))
