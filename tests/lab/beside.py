"""Processes that run the lab's tests beside each other: each but the first has a lab of its own.

`python tests/lab/beside.py NUMBER WORDS...` runs a command on the lab of the second process, or of the third.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBERS = {"gw1": 2, "gw2": 3}
"""What pytest-xdist calls the others, and which lab each has."""


def lab_beside(environ: Mapping[str, str], number: int = 2) -> dict[str, str]:
    """The variables of the lab beside the one that `environ` means: another name, addresses and folder.

    Args:
        number: 2 for that of the second process, 3 for the third's.
    """
    *rest, last = environ.get("SCHEDGEN_LAB_NET", "127.0.0").split(".")
    suffix = "-beside" if number == 2 else f"-beside-{number}"
    return {
        "SCHEDGEN_LAB_NAME": f"{environ.get('SCHEDGEN_LAB_NAME', '1')}{suffix}",
        "SCHEDGEN_LAB_NET": ".".join((*rest, str((int(last) + 100 * (number - 1)) % 256))),
        "SCHEDGEN_LAB_DIR": f"{environ.get('SCHEDGEN_LAB_DIR') or ROOT / '.lab'}{suffix}",
    }


# As soon as this is imported: the lab's modules read them once.
if number := NUMBERS.get(os.environ.get("PYTEST_XDIST_WORKER", "")):
    os.environ.update(lab_beside(os.environ, number))

if __name__ == "__main__":
    os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, **lab_beside(os.environ, int(sys.argv[1]))})
