"""inv lab.*: a production in a box, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from schedgen_ops.tasks.common import refuse_dry

if TYPE_CHECKING:
    from schedgen_ops.lab.place import Place


_SWARM = "Make one Docker Swarm of so many hosts, with a registry (default: none)."


@task(help={"hosts": "How many hosts shall run (default: 1).", "swarm": _SWARM})
def up(context: Context, hosts: int = 1, swarm: int = 0) -> None:
    """Boot hosts, each with sshd, Docker Engine and the reference application."""
    with _bounded(context) as place:
        from schedgen_ops.cli.lab import show_hosts
        from schedgen_ops.lab import manager, report
        from schedgen_ops.ui.lab import LabConsole

        manager.up(place, hosts, LabConsole(), nodes=swarm)
        show_hosts(report.observe())


@task(help={"json": "Print one JSON document."})
def status(context: Context, json: bool = False) -> None:
    """Show each host of the lab: address, release, health, memory."""
    with _bounded(context):
        from schedgen_ops.cli.lab import show_status
        from schedgen_ops.lab import report

        show_status(report.observe(), json)


@task(help={"hosts": "How many hosts to put back, from the first (default: 1)."})
def reset(context: Context, hosts: int = 1) -> None:
    """Put hosts back to the state they were booted in: first release, seeded data."""
    with _bounded(context) as place:
        from schedgen_ops.lab import manager
        from schedgen_ops.ui.lab import LabConsole

        manager.reset(place, hosts, LabConsole())


@task(help={"purge": "Remove the images, volumes, network and .lab as well."})
def down(context: Context, purge: bool = False) -> None:
    """Stop and remove the hosts; what makes the next boot quick is kept."""
    with _bounded(context) as place:
        from schedgen_ops.lab import manager
        from schedgen_ops.ui.lab import LabConsole

        manager.down(place, LabConsole(), purge)


@task
def demo(context: Context) -> None:
    """Deploy v1.2.3 to a host on v1.2.2, with visitors on its site all the while."""
    with _bounded(context) as place:
        from schedgen_ops.cli.lab import show_demo
        from schedgen_ops.lab.demo import run
        from schedgen_ops.ui.lab import LabConsole

        outcome = run(place, Path.cwd(), LabConsole())
        show_demo(outcome)
        if outcome.code:
            raise Exit(code=outcome.code)


@contextmanager
def _bounded(context: Context) -> Iterator[Place]:
    """Find the lab's folder; an error becomes a short message and an exit code."""
    from schedgen_ops.errors import OpsError
    from schedgen_ops.lab.place import find_place
    from schedgen_ops.ui import failure

    refuse_dry(context)
    try:
        yield find_place(Path.cwd())
    except OpsError as error:
        failure.show(error)
        raise Exit(code=error.exit_code) from None
    except KeyboardInterrupt:
        raise Exit(code=130) from None
