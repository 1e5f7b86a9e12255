"""The live view on a terminal: the story scrolls in colour, an overview of the steps stays below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console as RichConsole
from rich.console import Group
from rich.live import Live
from rich.text import Text

from schedgen_ops.events import Event, Output, Panel, RunFinished, RunStarted
from schedgen_ops.text import duration
from schedgen_ops.ui.board import Board, advance
from schedgen_ops.ui.failure import Failure, failure_lines
from schedgen_ops.ui.frame import ASCII, Frame, Signs
from schedgen_ops.ui.story import Story, StoryLine
from schedgen_ops.ui.tables import Table, rich_table

_REFRESHES = 8
_STYLES = {"head": "bold", "output": "dim", "progress": "dim"}
_LEVELS = {"info": "green", "warn": "yellow", "error": "bold red"}


class Console:
    """The live view of a run on a terminal.

    Args:
        console: where to draw. Its refresh thread reads the board, a frozen value: no lock is shared.
        err: takes the final block of a failure, in colour if it is a terminal.
        story: makes the lines that scroll by.
        estimates: seconds that each step took before, by title.
        monotonic: seconds on a clock that never jumps.
    """

    log: Path | None = None

    def __init__(
        self,
        console: RichConsole,
        err: RichConsole,
        story: Story,
        estimates: Mapping[str, float],
        monotonic: Callable[[], float],
    ) -> None:
        self._console = console
        self._err = err
        self._story = story
        self._estimates = estimates
        self._monotonic = monotonic
        self._signs = ASCII if console.options.ascii_only else Signs()
        self._board = Board()
        self._live: Live | None = None

    def handle(self, event: Event) -> None:
        """Print the lines of `event` above the overview, and bring the overview up to date."""
        lines = self._story.tell(event)
        if not (lines and isinstance(event, Output)):  # what scrolls by needs no tail
            self._board = advance(self._board, event, self._monotonic())
        if isinstance(event, RunFinished):
            self.pause()
        for line in lines:
            self._print(self._styled(line))
        if isinstance(event, Panel) or (isinstance(event, RunStarted) and event.steps):
            self.resume()
        elif isinstance(event, RunFinished):
            self._summarise(event)

    def _print(self, *lines: Text) -> None:
        for line in lines:
            self._console.print(line, soft_wrap=True)

    def _styled(self, line: StoryLine) -> Text:
        if line.kind in _LEVELS:
            level, _, rest = line.text.partition("]")
            return Text.assemble((f"{level}]", _LEVELS[line.kind]), rest)
        return Text(line.text, style=_STYLES.get(line.kind, ""))

    def draw(self) -> Group:
        """Return the overview as it is now."""
        width, height = self._console.size
        frame = Frame(width, height, self._estimates, self._signs)
        return Group(*frame.draw(self._board, self._monotonic()))

    def _summarise(self, event: RunFinished) -> None:
        if event.title or self._board.steps:
            self._print(*self._summary(event))
        self._board = Board()

    def _summary(self, event: RunFinished) -> Iterator[Text]:
        sign, style = (self._signs.failed, "bold red") if event.code else (self._signs.done, "bold green")
        if self._board.steps:
            frame = Frame(self._console.width, self._console.height, {}, self._signs)
            yield Text()
            yield from frame.steps(self._board, self._monotonic(), len(self._board.steps))
        what = "Failed" if event.code else "Done"
        yield Text.assemble((f" {sign} {what}", style), f" in {duration(event.seconds)}")
        for label, value in (("Next", event.hint), ("Log", self.log)):
            if value and not event.code:  # a failure's own block says these
                yield Text.assemble((f"   {label + ':':<6}", "dim"), str(value))

    def fail(self, failure: Failure) -> None:
        """Print what ended the run, in place of the overview."""
        self.pause()
        first, *rest = failure_lines(failure, self.log)
        self._err.print()
        self._err.print(Text(first, style="bold red"), soft_wrap=True)
        for line in rest:
            self._err.print(Text(line, style="dim" if line.startswith("    ") else ""), soft_wrap=True)

    def show(self, table: Table) -> None:
        """Print a table."""
        self._console.print(rich_table(table, ascii_only=self._signs is ASCII))

    def aside(self, text: str) -> None:
        """Print a warning about the tool itself."""
        self._print(self._styled(StoryLine("warn", f"[WARN] {text}")))

    def left(self, name: str, path: Path) -> None:
        """Print where a file is that the run leaves."""
        self._print(Text.assemble((f"   {name + ':':<6}", "dim"), f" {path}"))

    def pause(self) -> None:
        """Take the overview away, the cursor shown, so that a question can be asked."""
        if self._live:
            live, self._live = self._live, None
            live.stop()

    def resume(self) -> None:
        """Show the overview of a run that goes on."""
        shown = self._board.steps or self._board.panels
        if self._live is None and shown and not self._board.finished:
            self._live = Live(
                console=self._console,
                get_renderable=self._draw_live,
                refresh_per_second=_REFRESHES,
                transient=True,
                vertical_overflow="crop",
            )
            self._live.start(refresh=True)

    def _draw_live(self) -> Group | Text:
        return self.draw() if self._live else Text("", end="")

    def close(self) -> None:
        """Take the overview away and give the cursor back."""
        self.pause()
