"""A report written beside the log of its run, readable by its owner alone, complete or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schedgen_ops.run_report.page import Page, document, page
from schedgen_ops.run_report.team import NOBODY, TeamTold
from schedgen_ops.run_report.told import told
from schedgen_ops.ui.encoding import to_json
from schedgen_ops.ui.report import pages, write_whole
from schedgen_ops.ui.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def write(lines: Iterable[Mapping[str, Any]], base: Path, team: TeamTold = NOBODY, foreign: int = 0) -> Path:
    """Write the report of a run as HTML and as JSON, and return the path of the page.

    Args:
        lines: those of the run's journal.
        base: the path of the journal; the report's differ in what comes after the name.
        foreign: how many lines of the journal could not be read.

    Raises:
        OSError: where they cannot be written.
    """
    run = told(lines, foreign)
    beside = [("Log", base.with_suffix(".log")), ("Journal", base)]
    shown = page(run, team, tuple((label, str(path)) for label, path in beside))
    write_whole(to_json(document(run, shown), indent=2) + "\n", base.with_suffix(".json"))
    return write_whole(html(shown), base.with_suffix(".html"))


def html(shown: Page) -> str:
    """Return the page. Whatever comes from a host is text in it, never markup."""
    return render("run.html.j2", report=shown)


def render(name: str, **values: Any) -> str:
    """Return a page from a template of this room, which may include those that reports share."""
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    # Control characters are shown as what they are, as on a terminal.
    return pages(
        _TEMPLATES,
        finalize=lambda value: "\n".join(map(printable, value.split("\n"))) if type(value) is str else value,
    )
