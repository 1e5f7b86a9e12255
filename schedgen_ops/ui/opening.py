"""Which face a run gets, decided once, from the options and the streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from schedgen_ops.errors import ConfigError
from schedgen_ops.ui.annotations import Annotations, wanted
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.plain import Plain
from schedgen_ops.ui.renderer import Renderer
from schedgen_ops.ui.session import Ui
from schedgen_ops.ui.story import LEVELS, Story
from schedgen_ops.ui.terminal import is_live


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator asked for, and the seconds that steps took before, by title."""

    json_output: bool
    log_level: str
    log_dir: Path | None
    estimates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a run is shown and answered."""

    out: TextIO
    err: TextIO
    stdin: TextIO


def build(choices: Choices, streams: Streams, environ: Mapping[str, str], clock: DisplayClock) -> Ui:
    """Return the face of a run; see `schedgen_ops.ui.open_ui`."""
    if choices.log_level not in LEVELS:
        raise ConfigError(
            f"Unknown log level {choices.log_level!r}", hint="Use debug, info, warning or error."
        )
    is_drawn = not choices.json_output and is_live(streams.out, environ)
    shown = _live(choices, streams, environ, clock) if is_drawn else _lines(choices, streams, clock)
    return Ui(
        Annotations(shown, streams.err) if wanted(environ) else shown,
        (lambda: _lines(choices, streams, clock)) if is_drawn else None,
        log_dir=choices.log_dir,
        clock=clock,
        stdin=streams.stdin,
        questions=streams.err if choices.json_output else streams.out,
    )


def _lines(choices: Choices, streams: Streams, clock: DisplayClock) -> Renderer:
    story = Story(choices.log_level, clock)
    if not choices.json_output:
        return Plain(streams.out, streams.err, story)
    from schedgen_ops.ui.document import JsonDocument

    return JsonDocument(streams.out, Plain(streams.err, streams.err, story))


def _live(choices: Choices, streams: Streams, environ: Mapping[str, str], clock: DisplayClock) -> Renderer:
    from rich.console import Console as RichConsole

    from schedgen_ops.ui.console import Console

    screen, errors = (
        RichConsole(file=stream, highlight=False, markup=False, emoji=False, _environ=environ)
        for stream in (streams.out, streams.err)
    )
    story = Story(choices.log_level, clock, progress=False)
    return Console(screen, errors, story, choices.estimates, clock.monotonic)
