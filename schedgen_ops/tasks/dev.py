"""inv dev: the project's own checks, by the interpreter that runs this."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from schedgen_ops.tasks.common import refuse_dry, showing

Row = tuple[str, str, float]
Jobs = dict[str, tuple[str, ...]]

ROOT = Path(__file__).parents[2]
SCRIPTS = tuple(map(str, sorted((ROOT / "schedgen_ops" / "host_scripts").rglob("*.*sh"))))
# Both are binaries that pip installs beside the interpreter; -m does not find them.
_BINARY = "import os, sys; os.execv(os.path.join(os.path.dirname(sys.executable), sys.argv[1]), sys.argv[1:])"
# import-linter has no module to run with -m.
_IMPORTS = ("-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())")
LINTERS: Jobs = {
    "lint": ("-m", "ruff", "check", "."),
    "format": ("-m", "ruff", "format", "--check", "."),
    "types": ("-m", "mypy"),
    "import direction": _IMPORTS,
    # The longest of all, for two processors.
    "host scripts": ("-c", _BINARY, "shellcheck", *SCRIPTS[::2]),
    "host scripts, the others": ("-c", _BINARY, "shellcheck", *SCRIPTS[1::2]),
    "their format": ("-c", _BINARY, "shfmt", "--diff", *SCRIPTS),
}
TESTS: Jobs = {"unit tests": ("-m", "pytest", "-q", "--numprocesses", "4", "tests/unit")}
MENDERS: Jobs = {
    "lint": ("-m", "ruff", "check", "--fix", "."),
    "format": ("-m", "ruff", "format", "."),
    "host scripts": ("-c", _BINARY, "shfmt", "--write", *SCRIPTS),
}
_TOOLS = ("ruff", "mypy", "importlinter", "pytest")


@task(help={"tests": "Run the unit tests too (default); --no-tests leaves them out."})
def check(_: Context, tests: bool = True) -> None:
    """Run lint, types, import direction, unit tests: all of them, whatever fails."""
    _run(TESTS if tests else {}, beside=LINTERS)


@task
def fix(context: Context) -> None:
    """Mend what the linter can mend, and format."""
    refuse_dry(context)
    _run(MENDERS)


def _run(jobs: Jobs, *, beside: Jobs | None = None) -> None:
    """Runs every job and shows what came of each; first those of `beside`, all at the same time.

    Raises:
        Exit: with 1 when one failed, with 2 where there is nothing to check or nothing to check it with.
    """
    with showing():
        _ready()
    rows = [*_at_once(beside or {}), *(_one(title, words) for title, words in jobs.items())]
    _show(rows)
    if failed := [title for title, result, _ in rows if result != "passed"]:
        raise Exit(f"Failed: {', '.join(failed)}", code=1)


def _one(title: str, words: Sequence[str]) -> Row:
    from schedgen_ops.ui.terminal import Writer

    Writer(sys.stdout).lines(f"=== {title} ===")
    begun = time.monotonic()
    ended = subprocess.run((sys.executable, *words), cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    Writer(sys.stdout).lines("")
    return title, "failed" if ended.returncode else "passed", time.monotonic() - begun


def _at_once(jobs: Jobs) -> Iterator[Row]:
    """Each has one processor busy; what one says is shown whole, in the order of the jobs."""
    from concurrent.futures import ThreadPoolExecutor

    from schedgen_ops.ui.terminal import Writer

    with ThreadPoolExecutor() as pool:
        running = {title: pool.submit(_captured, words) for title, words in jobs.items()}
        for title, job in running.items():
            result, said, seconds = job.result()
            Writer(sys.stdout).lines(f"=== {title} ===", *said.splitlines(), "")
            yield title, result, seconds


def _captured(words: Sequence[str]) -> Row:
    """What came of a job, what it said, and its seconds."""
    begun = time.monotonic()
    ended = subprocess.run(
        (sys.executable, *words),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "failed" if ended.returncode else "passed", ended.stdout, time.monotonic() - begun


def _ready() -> None:
    from schedgen_ops.errors import ConfigError

    if not (ROOT / "setup.cfg").is_file():
        raise ConfigError(
            "inv dev checks the source of schedgen_ops, and this is an installed copy",
            hint="Clone the project and run it there.",
        )
    if absent := [tool for tool in _TOOLS if find_spec(tool) is None]:
        raise ConfigError(
            f"not installed for {sys.executable}: {', '.join(absent)}",
            hint="`make venv` makes an environment with all of them; or: pip install -e '.[test,lab]'",
        )


def _show(rows: Sequence[Row]) -> None:
    from schedgen_ops.ui.tables import Column, Table, show

    columns = ("Check", "Result", Column("Seconds", "{:.1f}".format, right=True))
    show(Table(columns, tuple(rows)))
