"""The report of an extended verification: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schedgen_ops.ui.chart import Chart

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the report; `marked` are the numbers of rows to look at."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class HostReport:
    """A host's part: its verdict is passed, failed or unknown."""

    host: str
    verdict: str
    line: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    charts: tuple[Chart, ...]
    grids: tuple[Grid, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it; `facts` are label and value."""

    title: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    hosts: Sequence[HostReport]


def html(report: Report) -> str:
    """Return the page. Whatever comes from a host is text in it, never markup."""
    return pages().get_template("watch.html.j2").render(report=report)


def pages(*folders: Path, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """Return the templates of reports: those in `folders`, and those that all of them share.

    Args:
        finalize: what is done to each value before it is escaped.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )


def write(report: Report, path: Path) -> Path:
    """Write the page as a file that its owner alone can read, complete or not at all."""
    return write_whole(html(report), path)


def write_whole(text: str, path: Path) -> Path:
    """Write a text as a file that its owner alone can read, complete or not at all.

    Raises:
        OSError: where it cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    part.replace(path)
    return path
