"""Which process runs which file: the tests of a Swarm keep to one, whose three nodes stay up between them.

They wait more than they work: beside them the other process has more of the processors.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

SWARM_LANE = "gw1"


def of_swarm(file: str) -> bool:
    """Whether a file of tests is one of a Swarm."""
    return "test_swarm" in file


class Lanes(LoadFileScheduling):  # type: ignore[misc]
    """File by file to whoever is free, those of a Swarm to one process for as long as there are others."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        mine = [file for file in self.workqueue if of_swarm(file) == (node.gateway.id == SWARM_LANE)]
        if mine:
            self.workqueue.move_to_end(mine[0], last=False)
        super()._assign_work_unit(node)


def scheduler(config: Any, log: Any) -> Lanes | None:
    """What pytest-xdist asks for; None leaves it its own."""
    return Lanes(config, log) if config.getoption("dist") == "loadfile" else None
