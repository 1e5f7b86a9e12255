"""`inv`, with the time of every remote command noted: python traced_inv.py FILE WORDS...

A line for each command: its start and end on the monotonic clock, in seconds, and what it is called.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from invoke.program import Program

from schedgen_ops.host.channel_pool import ChannelPool


def main(file: Path, words: list[str]) -> None:
    """Runs the command line; ends as it ends."""
    execute, lock = ChannelPool.execute, threading.Lock()

    def traced(self: ChannelPool, command: Any, *rest: Any) -> Any:
        begun = time.monotonic()
        try:
            return execute(self, command, *rest)
        finally:
            with lock, file.open("a") as out:
                title = " ".join(str(command).split())[:100]
                out.write(f"{begun:.4f} {time.monotonic():.4f} {title}\n")

    setattr(ChannelPool, "execute", traced)  # noqa: B010 - a slot of another class
    Program().run(["inv", *words])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
