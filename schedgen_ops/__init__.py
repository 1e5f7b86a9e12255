"""Run a Docker Compose production from a laptop, over SSH.

What a team's own tasks.py may build on is exported here and explained in docs/library.md. Each name is
imported when it is first asked for, so that `inv --list` pays for none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation
    from schedgen_ops.tasks.common import operation

__all__ = ["Operation", "operation"]
__version__ = "0.1.0"

_HOMES = {"Operation": "task_run", "operation": "tasks.common"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
