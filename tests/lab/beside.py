"""Processes run the lab's tests beside each other: the second has a lab of its own, with its own hosts.

`python tests/lab/beside.py WORDS...` runs a command on that lab.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECOND = "gw1"
"""What pytest-xdist calls its second process."""


def lab_beside(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the lab beside the one that `environ` means: another name, addresses and folder."""
    *rest, last = environ.get("SCHEDGEN_LAB_NET", "127.0.0").split(".")
    return {
        "SCHEDGEN_LAB_NAME": f"{environ.get('SCHEDGEN_LAB_NAME', '1')}-beside",
        "SCHEDGEN_LAB_NET": ".".join((*rest, str((int(last) + 100) % 256))),
        "SCHEDGEN_LAB_DIR": f"{environ.get('SCHEDGEN_LAB_DIR') or ROOT / '.lab'}-beside",
    }


# As soon as this is imported: the lab's modules read them once.
if os.environ.get("PYTEST_XDIST_WORKER") == SECOND:
    os.environ.update(lab_beside(os.environ))

if __name__ == "__main__":
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **lab_beside(os.environ)})
