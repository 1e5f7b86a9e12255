"""inv init: from a host that somebody runs by hand to a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(
    help={
        "host": "The host, as USER@ADDRESS or USER@ADDRESS:PORT.",
        "directory": "Where the project is on it: the folder of its compose file.",
        "replace": "Write over a config that is there.",
    }
)
def init(op: Operation, host: str, directory: str, replace: bool = False) -> None:
    """Draft a config from what a host runs: looks, writes config/ENV.yaml, shows a first deploy's plan."""
    from schedgen_ops.cli import init as cli

    cli.init(op, host, directory, replace=replace)
