"""inv config.*: what the config files say, and whether it holds."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from schedgen_ops.tasks.common import showing


@task(help={"env": "Check this environment only.", "json": "Print one JSON document."})
def check(_: Context, env: str | None = None, json: bool = False) -> None:
    """Check the config files: every mistake, with its line."""
    from schedgen_ops import loading
    from schedgen_ops.cli import config as ui

    with showing():
        root = Path.cwd()
        readings = (loading.read(env, root=root),) if env is not None else loading.read_all(root=root)
        ui.check(readings, as_json=json)
    # A hosts file that another command writes later spoils only the environment that is asked for.
    if any(bool(env) or not problem.pending for reading in readings for problem in reading.problems):
        raise Exit(code=2)


@task(help={"env": "The environment.", "json": "Print one JSON document."})
def show(_: Context, env: str | None = None, json: bool = False) -> None:
    """Show what is in force and where each value comes from, secrets masked."""
    from schedgen_ops import loading
    from schedgen_ops.cli import config as ui
    from schedgen_ops.loading.force import rows

    with showing():
        reading = loading.read(env, root=Path.cwd())
        loading.sound(reading)
        ui.show(reading, rows(reading), as_json=json)


@task
def schema(_: Context) -> None:
    """Print the JSON schema of a config file, for editors."""
    from schedgen_ops.cli import config as ui
    from schedgen_ops.loading.force import schema as text

    ui.schema(text())
