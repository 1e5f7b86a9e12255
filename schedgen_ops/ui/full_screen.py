"""Tables that have the whole terminal for a while: what was on it before comes back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from schedgen_ops.ui.tables import Table, rich_table
from schedgen_ops.ui.terminal import printable

# A new size of the terminal is noticed as often.
_REFRESHES = 2


class FullScreen:
    """The terminal as a whole; made by `full_screen`."""

    def __init__(self, stdout: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=stdout, highlight=False, _environ=os.environ)
        self.live = Live(console=console, screen=True, refresh_per_second=_REFRESHES)

    def draw(self, head: str, tables: Sequence[Table], notes: Sequence[str]) -> None:
        """Show tables, and sentences below the first; what has no room at the bottom is left out."""
        from rich.console import Group
        from rich.text import Text

        first, *others = map(rich_table, tables)
        said = (Text(printable(note), style="yellow") for note in notes)
        self.live.update(Group(Text(printable(head), style="dim"), first, *said, *others), refresh=True)


@contextmanager
def full_screen(stdout: TextIO) -> Iterator[FullScreen]:
    """Take the terminal while the block lasts, and give it back however that ends."""
    screen = FullScreen(stdout)
    with screen.live:
        yield screen
