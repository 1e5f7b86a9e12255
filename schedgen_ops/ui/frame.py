"""The live area, drawn from a board as Rich texts. Foreign text never becomes markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from schedgen_ops.events import Output
from schedgen_ops.text import amount, duration, plural, size
from schedgen_ops.ui import panels
from schedgen_ops.ui.board import TAIL, Bar, Board, BoardStep, HostLine
from schedgen_ops.ui.estimate import remaining, rough, words
from schedgen_ops.ui.terminal import printable

_BAR = 24
_MAX_HOSTS = 8
_MAX_BARS = 4
_AROUND = 9
"""Cells of a step's line that are neither its title nor its time."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters of the view: those of a font that has them, or ASCII."""

    done: str = "✓"
    failed: str = "✗"
    pending: str = "·"
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    full: str = "━"
    empty: str = "─"
    rail: str = "│"
    dots: str = "…"


ASCII = Signs("+", "x", ".", "|/-\\", "=", ".", "|", "...")


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawer of boards for one terminal of `width` by `height` cells.

    Attributes:
        estimates: seconds that a step took in earlier runs, by title.
    """

    width: int
    height: int
    estimates: Mapping[str, float]
    signs: Signs = Signs()

    def draw(self, board: Board, now: float) -> tuple[Text, ...]:
        """Return the lines of the live area, never more than fit."""
        if board.panels:
            drawn = panels.draw(board.panels, board.many, self.width, self.signs.dots != "…")
            return (Text(), *drawn)[: max(1, self.height - 1)]
        below = (*self._bars(board, now), *self._hosts(board), *self._tail(board))
        room = max(3, self.height - len(below) - 4)
        lines = (Text(), *self.steps(board, now, room), self._footer(board, now), *below)
        return lines[: max(1, self.height - 1)]

    def steps(self, board: Board, now: float, room: int) -> Iterator[Text]:
        """Return a line for each step, at most `room` of them: those around the running one."""
        steps = board.steps
        first, last = window(steps, room)
        shown = tuple((step, self._time(step, board, now)) for step in steps[first:last])
        wide = max((cell_len(step.title) for step in steps), default=0)
        times = max((len(time) for _, time in shown), default=0)
        title_width = max(4, min(wide, self.width - times - _AROUND))
        if first:
            yield self._left_out(first, "earlier step")
        for step, time in shown:
            yield self._step(step, time, now, title_width)
        if last < len(steps):
            yield self._left_out(len(steps) - last, "more step")

    def _step(self, step: BoardStep, time: str, now: float, title_width: int) -> Text:
        sign, style = self._sign(step.state, now)
        title = set_cell_size(self._cut(printable(step.title), title_width), title_width)
        title_style = {"running": "bold", "pending": "dim"}.get(step.state, "")
        return self._line(
            (f" {sign} ", style),
            (f"{step.number:>2} ", "dim"),
            (f"{title}  ", title_style),
            (time, "dim" if step.state != "running" else ""),
        )

    def _sign(self, state: str, now: float) -> tuple[str, str]:
        signs = self.signs
        if state == "running":
            return signs.spinner[int(now * 8) % len(signs.spinner)], "cyan"
        return {
            "done": (signs.done, "green"),
            "failed": (signs.failed, "bold red"),
        }.get(state, (signs.pending, "dim"))

    def _time(self, step: BoardStep, board: Board, now: float) -> str:
        usual = self.estimates.get(step.title)
        about = "" if usual is None else f"~{duration(max(1, usual), tenths=False)}"
        if step.state == "pending":
            return about if board.finished is None else "not run"
        if step.state != "running":
            return duration(step.seconds)
        spent = duration(int(now - step.started), tenths=False)
        return f"{spent} of {about}" if about else spent

    def _footer(self, board: Board, now: float) -> Text:
        done = sum(step.state == "done" for step in board.steps)
        parts = [f"{done} of {plural(len(board.steps), 'step')}"] if board.steps else []
        parts.append(f"{duration(int(now - board.started), tenths=False)} so far")
        left = words(remaining(board, self.estimates, now))
        return self._line(("   " + ", ".join([*parts, *([left] if left else [])]), "bold"))

    def _bars(self, board: Board, now: float) -> Iterator[Text]:
        for bar in board.bars[:_MAX_BARS]:
            yield self._bar(bar, board.many, now)

    def _bar(self, bar: Bar, many: bool, now: float) -> Text:
        told = bar.told
        name = printable(f"{told.host + ' ' if many and told.host else ''}{told.label}")
        pace = self._pace(bar, now)
        if not told.total:
            return self._line((f"   {name} ", ""), (amount(told.done, told.unit), "cyan"), (f"  {pace}", ""))
        share = min(1.0, max(0.0, told.done / told.total))
        filled = int(share * _BAR)
        return self._line(
            ("   " + self.signs.full * filled, "cyan"),
            (self.signs.empty * (_BAR - filled), "dim"),
            (f" {share:>4.0%}  ", "bold"),
            (f"{amount(told.done, told.unit)} / {amount(told.total, told.unit)}  ", ""),
            (pace, ""),
            (name, "dim"),
        )

    def _pace(self, bar: Bar, now: float) -> str:
        """How fast bytes move, and for how long yet, with two spaces behind each."""
        if bar.told.unit != "bytes" or not bar.rate:
            return ""
        left = bar.left(now)
        return f"{size(bar.rate)}/s  " + ("" if left is None else f"{rough(left)} left  ")

    def _hosts(self, board: Board) -> Iterator[Text]:
        if not board.many:
            return
        # The hosts in trouble come first where not all fit.
        trouble = sorted(board.hosts, key=lambda line: line.level not in ("warn", "error"))
        shown = board.hosts if len(board.hosts) <= _MAX_HOSTS else tuple(trouble[:_MAX_HOSTS])
        wide = min(24, max(cell_len(line.host) for line in shown))
        for line in shown:
            yield self._host(line, wide)
        if len(shown) < len(board.hosts):
            yield self._left_out(len(board.hosts) - len(shown), "more host")

    def _host(self, line: HostLine, wide: int) -> Text:
        sign, style = {
            "error": (self.signs.failed, "bold red"),
            "warn": ("!", "yellow"),
            "info": (self.signs.done, "green"),
        }.get(line.level, (self.signs.pending, "dim"))
        name = set_cell_size(self._cut(printable(line.host), wide), wide)
        said = printable(line.text.strip().split("\n")[0])
        return self._line((f"   {name} ", "bold"), (f"{sign} ", style), (said, ""))

    def _tail(self, board: Board) -> Iterator[Text]:
        room = max(0, min(TAIL, (self.height - 16) // 2))
        for output in board.tail[-room:] if room else ():
            yield self._output(output, board.many)

    def _output(self, output: Output, many: bool) -> Text:
        where = f"{printable(output.host)} " if many and output.host else ""
        return self._line((f"   {where}{self.signs.rail} {printable(output.text)}", "dim"))

    def _left_out(self, count: int, what: str) -> Text:
        return self._line((f"   {self.signs.dots} {plural(count, what)}", "dim"))

    def _line(self, *parts: tuple[str, str]) -> Text:
        line = Text.assemble(*parts, no_wrap=True, end="\n")
        line.truncate(self.width - 1, overflow="crop")
        return line

    def _cut(self, text: str, width: int) -> str:
        dots = self.signs.dots
        return text if cell_len(text) <= width else set_cell_size(text, width - cell_len(dots)) + dots


def window(steps: tuple[BoardStep, ...], room: int) -> tuple[int, int]:
    """Return which steps to show in `room` lines, from and to: those around the running one."""
    if len(steps) <= room:
        return 0, len(steps)
    slots = max(1, room - 2)  # a line at each end says how many are left out
    at = next((i for i, step in enumerate(steps) if step.state in ("running", "failed")), None)
    if at is None:
        at = sum(step.state == "done" for step in steps)
    first = max(0, min(at - slots // 2, len(steps) - slots))
    return first, first + slots
