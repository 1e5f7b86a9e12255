"""inv lab.*: a production in a box, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context, task

if TYPE_CHECKING:
    from schedgen_ops.lab.place import Place


@task(help={"hosts": "how many hosts shall run (default 1)"})
def up(_context: Context, hosts: int = 1) -> None:
    """Boot the lab: hosts with sshd, Docker Engine and the reference application."""
    from schedgen_ops.lab import manager, report
    from schedgen_ops.ui.lab import LabConsole, show_hosts

    manager.up(_place(), hosts, LabConsole())
    show_hosts(report.observe())


@task(help={"json": "print a JSON document"})
def status(_context: Context, json: bool = False) -> None:
    """Show each host of the lab: address, release, health, memory."""
    from schedgen_ops.lab import report
    from schedgen_ops.ui.lab import show_status

    show_status(report.observe(), json)


@task(help={"hosts": "how many hosts to put back (default 1)"})
def reset(_context: Context, hosts: int = 1) -> None:
    """Put hosts back to the state they were booted in: the first release, the seeded data."""
    from schedgen_ops.lab import manager
    from schedgen_ops.ui.lab import LabConsole

    manager.reset(_place(), hosts, LabConsole())


@task(help={"purge": "remove images, volumes, the network and .lab too"})
def down(_context: Context, purge: bool = False) -> None:
    """Stop and remove the hosts; what makes the next boot quick is kept."""
    from schedgen_ops.lab import manager
    from schedgen_ops.ui.lab import LabConsole

    manager.down(_place(), LabConsole(), purge)


@task
def demo(_context: Context) -> None:
    """Boot one host on v1.2.2 and deploy v1.2.3 to it, with requests running all the while."""
    from schedgen_ops.lab.demo import run
    from schedgen_ops.ui.lab import LabConsole, show_demo

    show_demo(run(_place(), Path.cwd(), LabConsole()))


def _place() -> Place:
    from schedgen_ops.lab.place import find_place

    return find_place(Path.cwd())
