"""Draw how a run looked at a moment: its journal, replayed through the live view, as SVG on stdout.

    python tests/bench/picture.py ~/.local/state/schedgen/lab/deploy-DATE_TIME.jsonl 55.8 > deploy.svg

The number is the moment, in seconds after the run's start. `make pictures` draws those of the README.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole

from schedgen_ops import events
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.console import Console
from schedgen_ops.ui.journal import read
from schedgen_ops.ui.story import Story

KINDS: dict[str, Any] = {
    "run.started": events.RunStarted,
    "step.started": events.StepStarted,
    "step.finished": events.StepFinished,
    "step.failed": events.StepFailed,
    "host.finished": events.HostFinished,
    "message": events.Message,
    "progress": events.Progress,
}
WIDTH, HEIGHT = 96, 48


def begun(journal: Path) -> datetime:
    """Return the moment of a journal's first line."""
    return datetime.fromisoformat(read(journal)[0]["t"])


def shown(journal: Path) -> Iterator[tuple[float, events.Event]]:
    """Return the events of a journal that are shown, and the seconds after its start at which they came."""
    start = begun(journal)
    for said in read(journal):
        at = (datetime.fromisoformat(said.pop("t")) - start).total_seconds()
        if kind := KINDS.get(said.pop("event")):
            yield at, kind(**{name: _tuples(value) for name, value in said.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def typed(journal: Path) -> str:
    """Return what the operator typed."""
    start = read(journal)[0]
    return f"inv {start['command']} --branch {dict(start['facts'])['Branch']}"


def picture(journal: Path, moment: float) -> str:
    """Return the live view at `moment` seconds, as SVG."""
    at = 0.0
    start = begun(journal)
    clock = DisplayClock(lambda: start + timedelta(seconds=at), lambda: at)
    console = RichConsole(
        record=True,
        file=StringIO(),
        force_terminal=True,
        color_system="truecolor",
        width=WIDTH,
        height=HEIGHT,
    )
    view = Console(console, console, Story("info", clock, progress=False), {}, clock.monotonic)
    # What each refresh would draw over is drawn once, at the end.
    setattr(view, "resume", lambda: None)  # noqa: B010 - a method replaced
    for came, event in shown(journal):
        if came > moment:
            break
        at = came
        view.handle(event)
    at = moment
    console.print(view.draw())
    drawn = console.export_svg(title=typed(journal))
    # A page that shows it loads nothing from elsewhere.
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    sys.stdout.write(picture(Path(sys.argv[1]), float(sys.argv[2])))
