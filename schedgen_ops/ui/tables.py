"""Results in columns: a Rich table on a terminal, aligned text elsewhere, objects in JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from schedgen_ops.ui.encoding import to_json
from schedgen_ops.ui.terminal import Writer, is_live, printable

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType


def _one_line(text: str) -> str:
    return printable(" ".join(text.split("\n")))


def _words(value: Any) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        label: its heading.
        show: turns a cell's value into words for people; JSON keeps the value.
        key: its name in JSON; by default the label in lower case with underscores.
        right: aligned right, as numbers are.
    """

    label: str
    show: Callable[[Any], str] = _words
    key: str = ""
    right: bool = False

    @property
    def name(self) -> str:
        """The column's name in JSON."""
        return self.key or self.label.lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; a column may be given by its label alone.

    Attributes:
        empty: the sentence that stands for a table without rows.
        goes_on: the widths of a table that was shown before and that these rows belong to, () for none.
    """

    columns: tuple[Column | str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    empty: str = "Nothing to show."
    goes_on: tuple[int, ...] = ()

    def heads(self) -> tuple[Column, ...]:
        """Return the columns, labels made columns."""
        return tuple(Column(column) if isinstance(column, str) else column for column in self.columns)

    def widths(self) -> tuple[int, ...]:
        """Return the cells that each column takes as text, for this table and the one that it belongs to."""
        heads = () if _is_details(self) else (tuple(head.label for head in self.heads()),)
        own = (max(map(len, column)) for column in zip(*heads, *self.cells(), strict=True))
        before = self.goes_on or (0,) * len(self.columns)
        return tuple(map(max, own, before))

    def cells(self) -> tuple[tuple[str, ...], ...]:
        """Return the rows in words, safe to print."""
        heads = self.heads()
        return tuple(
            tuple(_one_line(head.show(value)) for head, value in zip(heads, row, strict=True))
            for row in self.rows
        )


def details(pairs: tuple[tuple[str, Any], ...], title: str = "") -> Table:
    """Return one thing's properties as a table: a row each, no headings."""
    return Table(("", ""), pairs, title)


def _is_details(table: Table) -> bool:
    return not any(head.label for head in table.heads())


def json_value(table: Table) -> Any:
    """Return the rows as objects; properties as one object."""
    if _is_details(table):
        return dict(table.rows)
    names = tuple(head.name for head in table.heads())
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def plain_lines(table: Table) -> tuple[str, ...]:
    """Return the table as aligned text, two spaces between columns."""
    title = (f"=== {printable(table.title)} ===",) if table.title else ()
    if not table.rows:
        return (*title, table.empty)
    heads, labels = table.heads(), tuple(head.label for head in table.heads())
    headless = _is_details(table) or table.goes_on
    shown = table.cells() if headless else (labels, *table.cells())
    widths = table.widths()
    return (*title, *(_aligned(row, heads, widths) for row in shown))


def _aligned(row: tuple[str, ...], heads: tuple[Column, ...], widths: tuple[int, ...]) -> str:
    cells = (
        cell.rjust(width) if head.right else cell.ljust(width)
        for cell, head, width in zip(row, heads, widths, strict=True)
    )
    return "  ".join(cells).rstrip()


def rich_table(table: Table, *, ascii_only: bool = False) -> RenderableType:
    """Return the table as Rich draws it; foreign text in it is never read as markup."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    if not table.rows:
        return Text(table.empty)
    drawn = RichTable(
        title=Text(printable(table.title), style="bold") if table.title else None,
        title_justify="left",
        box=None if _is_details(table) else box.ASCII2 if ascii_only else box.SIMPLE_HEAD,
        show_header=not _is_details(table) and not table.goes_on,
        pad_edge=False,
        show_edge=False,
    )
    for index, head in enumerate(table.heads()):
        style = "bold" if index == 0 else ""
        justify: JustifyMethod = "right" if head.right else "left"
        wide = table.goes_on[index] if table.goes_on else None
        drawn.add_column(Text(head.label), justify=justify, overflow="fold", style=style, min_width=wide)
    for row in table.cells():
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def show(
    table: Table,
    *,
    json_output: bool = False,
    stdout: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Print a table where no run is being told about."""
    stream = stdout or sys.stdout
    if json_output:
        Writer(stream).lines(to_json(json_value(table), indent=2))
    elif is_live(stream, environ):
        from rich.console import Console

        console = Console(file=stream, highlight=False, _environ=environ)
        console.print(rich_table(table, ascii_only=console.options.ascii_only))
    else:
        Writer(stream).lines(*plain_lines(table))
