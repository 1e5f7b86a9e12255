"""Run a Docker Compose production from a laptop, over SSH.

What a team's own tasks.py may build on is exported here and explained in docs/library.md. Each name is
imported when it is first asked for, so that `inv --list` pays for none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schedgen_ops.deploy.own import step
    from schedgen_ops.errors import OpsError
    from schedgen_ops.events import Event, RunFinished
    from schedgen_ops.remote import Remote, Result
    from schedgen_ops.settings import Settings
    from schedgen_ops.shell import Command, sh
    from schedgen_ops.task_run import Operation
    from schedgen_ops.tasks.common import operation
    from schedgen_ops.ui.listening import listen
    from schedgen_ops.ui.tables import Column, Table
    from schedgen_ops.verify.own import check
    from schedgen_ops.watch.rules import CheckVerdict, Finding

__all__ = [
    "CheckVerdict",
    "Column",
    "Command",
    "Event",
    "Finding",
    "Operation",
    "OpsError",
    "Remote",
    "Result",
    "RunFinished",
    "Settings",
    "Table",
    "check",
    "listen",
    "operation",
    "sh",
    "step",
]
__version__ = "0.1.0"

_HOMES = {
    "Column": "ui.tables",
    "Command": "shell",
    "Event": "events",
    "Finding": "watch.rules",
    "Operation": "task_run",
    "OpsError": "errors",
    "Remote": "remote",
    "Result": "remote",
    "RunFinished": "events",
    "Settings": "settings",
    "Table": "ui.tables",
    "CheckVerdict": "watch.rules",
    "check": "verify.own",
    "listen": "ui.listening",
    "operation": "tasks.common",
    "sh": "shell",
    "step": "deploy.own",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
