"""Programs of this machine, run so that what they print can be shown while they work."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from typing import IO

from schedgen_ops.lab.place import LabError
from schedgen_ops.lab.progress import Line

KEPT = 15


def stream(
    argv: tuple[str, ...],
    line: Line,
    failed: str,
    *,
    timeout: float = 1200.0,
    stdin: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `argv` and pass each line it prints to `line` as it comes.

    Raises LabError with the sentence `failed` and the last lines, also when it ran for `timeout` seconds.
    """
    last: deque[str] = deque(maxlen=KEPT)
    late = threading.Event()
    with subprocess.Popen(
        argv,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
    ) as process:
        watchdog = threading.Timer(timeout, _end, (process, late))
        watchdog.start()
        try:
            for text in process.stdout or ():
                last.append(text.rstrip())
                line(text.rstrip())
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
            watchdog.cancel()
    if process.returncode != 0:
        why = f"{failed} within {timeout:.0f} s" if late.is_set() else failed
        raise LabError(why, detail="\n".join(last))


def _end(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    process.kill()
