"""What people and programs see of a run. `open_ui` is the way in; nothing else of the product prints.

    with open_ui(json_output=False, log_level="info", log_dir=folder, estimates={}) as ui:
        run(ui.emit)

Importing this package costs nothing: what draws is imported when a run needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from datetime import datetime

    from schedgen_ops.ui.session import Ui


def open_ui(
    json_output: bool = False,
    log_level: str = "info",
    log_dir: Path | None = None,
    estimates: Mapping[str, float] | None = None,
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    stdin: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    now: Callable[[], datetime] | None = None,
    monotonic: Callable[[], float] | None = None,
) -> Ui:
    """Return the face of one run: a live view on a terminal, plain lines elsewhere, or a JSON document.

    Args:
        json_output: one JSON document on stdout when all is over; the story goes to stderr.
        log_level: the least to tell: debug (with remote output), info, warning or error.
        log_dir: where the run leaves its log and its journal; None keeps neither.
        estimates: seconds that each step took in earlier runs, by title.
        now: the local time with its zone.
        monotonic: seconds on a clock that never jumps.

    Raises:
        ConfigError: for an unknown log level.
    """
    import os
    import sys
    import time

    from schedgen_ops.ui.clock import DisplayClock, local_time
    from schedgen_ops.ui.opening import Choices, Streams, build

    return build(
        Choices(json_output, log_level, log_dir, estimates or {}),
        Streams(stdout or sys.stdout, stderr or sys.stderr, stdin or sys.stdin),
        os.environ if environ is None else environ,
        DisplayClock(now or local_time, monotonic or time.monotonic),
    )


__all__ = ["open_ui"]
