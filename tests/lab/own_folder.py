"""`inv` started in a folder of a test's own, which has a configuration and no tasks.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from box import Ran

_MAIN = "from schedgen_ops.tasks.program import main; main()"


def start(folder: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    """Start it, with nobody there to answer; what it notes on this machine goes to `state` in there."""
    return subprocess.Popen(
        [sys.executable, "-c", _MAIN, *words],
        cwd=folder,
        env={**os.environ, "SCHEDGEN_STATE": str(folder / "state"), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, *words: str, timeout: float = 120, **env: str) -> Ran:
    """Run it to its end; fails the test where that takes longer than so many seconds."""
    with start(folder, *words, **env) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ran(process.returncode, out, err)
