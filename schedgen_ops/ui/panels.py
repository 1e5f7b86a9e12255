"""A long watch on a terminal: its line, sparklines and a table, drawn anew after every round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from schedgen_ops.events import Curve, Panel
from schedgen_ops.ui.terminal import printable

_BLOCKS, _LETTERS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_CELLS = 40
_GAP = " "


def spark(values: Sequence[float | None], ascii_only: bool = False, cells: int = _CELLS) -> str:
    """Return the last values as a line of blocks from 0 to their greatest; a blank where one is not known."""
    signs = _LETTERS if ascii_only else _BLOCKS
    shown = values[-cells:]
    most = max((value for value in shown if value is not None), default=0.0) or 1.0
    return "".join(
        _GAP if value is None else signs[min(len(signs) - 1, int(max(0.0, value) / most * len(signs)))]
        for value in shown
    )


def draw(panels: Sequence[Panel], many: bool, width: int, ascii_only: bool) -> Iterator[Text]:
    """Return the lines of every panel."""
    for panel in panels:
        name = f"{printable(panel.host)}: " if many and panel.host else ""
        yield _cut(Text.assemble((f" {name}", "bold"), (printable(panel.line), "bold")), width)
        labels = max((cell_len(curve.label) for curve in panel.curves), default=0)
        for curve in panel.curves:
            yield _cut(_curve(curve, labels, ascii_only), width)
        yield from _table(panel.rows, width)


def _curve(curve: Curve, width: int, ascii_only: bool) -> Text:
    line = set_cell_size(spark(curve.values, ascii_only), _CELLS)
    label = set_cell_size(printable(curve.label), width)
    return Text.assemble((f"   {label}  ", "dim"), (line, "cyan"), f"  {printable(curve.text)}")


def _table(rows: Sequence[Sequence[str]], width: int) -> Iterator[Text]:
    if not rows:
        return
    wide = [max(cell_len(printable(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (set_cell_size(printable(cell), size) for cell, size in zip(row, wide, strict=True))
        yield _cut(Text("   " + "  ".join(cells), style="" if number else "dim"), width)


def _cut(line: Text, width: int) -> Text:
    line.no_wrap, line.end = True, "\n"
    line.truncate(width - 1, overflow="crop")
    return line
