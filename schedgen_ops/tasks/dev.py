"""inv dev: the project's own checks."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task


@task
def check(context: Context) -> None:
    """Lint, types, import direction, unit tests."""
    for line in ("ruff check .", "ruff format --check .", "mypy", "lint-imports", "pytest -q tests/unit"):
        context.run(f"python -m {line}" if not line.startswith("lint-imports") else line, echo=True)


@task
def fix(context: Context) -> None:
    """Mend what the linter can mend, and format."""
    context.run("python -m ruff check --fix .", echo=True)
    context.run("python -m ruff format .", echo=True)
