"""Warnings and failures as annotations of GitHub Actions, beside what the run shows.

The form is that of its documentation, "Workflow commands for GitHub Actions": `::warning title=T::TEXT`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from schedgen_ops.events import Event, Message
from schedgen_ops.ui.failure import Failure
from schedgen_ops.ui.renderer import Renderer
from schedgen_ops.ui.terminal import printable_lines

_KINDS = {"warn": "warning", "error": "error"}


def wanted(environ: Mapping[str, str]) -> bool:
    """Return whether this is a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


class Annotations:
    """A display that also writes an annotation for each warning, each error, and what ended the run.

    Args:
        shown: the display.
        stream: read by the runner, as is everything that a job writes.
    """

    def __init__(self, shown: Renderer, stream: TextIO) -> None:
        self._shown = shown
        self._stream = stream
        self.show, self.aside, self.left = shown.show, shown.aside, shown.left
        self.pause, self.resume, self.close = shown.pause, shown.resume, shown.close

    @property
    def log(self) -> Path | None:
        """The run's log, which the display names."""
        return self._shown.log

    @log.setter
    def log(self, path: Path | None) -> None:
        self._shown.log = path

    def handle(self, event: Event) -> None:
        """Show an event; a warning or an error is an annotation too."""
        self._shown.handle(event)
        if isinstance(event, Message) and event.level in _KINDS:
            self._write(_KINDS[event.level], event.host, event.text)

    def fail(self, failure: Failure) -> None:
        """Show what ended the run, and what to do next."""
        self._shown.fail(failure)
        parts = (failure.message, failure.detail, failure.hint)
        title = ": ".join(filter(None, (failure.host, failure.step or f"exit code {failure.code}")))
        self._write("error", title, "\n".join(filter(None, parts)))

    def _write(self, kind: str, title: str, text: str) -> None:
        value = _escaped(title).replace(":", "%3A").replace(",", "%2C")
        where = f" title={value}" if value else ""
        print(f"::{kind}{where}::{_escaped(text)}", file=self._stream, flush=True)


def _escaped(text: str) -> str:
    """A text as one line of a workflow command; its own control characters are none of a terminal's."""
    whole = "\n".join(printable_lines(text)).replace("%", "%25")
    return whole.replace("\r", "%0D").replace("\n", "%0A")
