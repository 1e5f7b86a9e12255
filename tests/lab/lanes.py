"""Which process runs which file: one has the tests of a Swarm, one those that need no host of the lab.

A Swarm's three nodes stay up between its tests, which wait more than they work. What needs no host is what a
third process can do while two labs wait; a third lab makes all of them slower than it is worth on two cores.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

LAB, SWARM, BARE = "gw0", "gw1", "gw2"
"""What pytest-xdist calls its processes, by what each takes first."""
ORDER = {LAB: (LAB, BARE, SWARM), SWARM: (SWARM, LAB, BARE), BARE: (BARE,)}
"""What a process takes when there is nothing more of its own: the last one has no lab."""
WITHOUT_HOSTS = {
    "test_database_zoo",
    "test_host",
    "test_host_config",
    "test_host_connect",
    "test_host_download",
    "test_host_missing",
    "test_host_shared",
    "test_host_silence",
    "test_host_trust",
    "test_hosts_trust",
    "test_run_report_in_a_browser",
    "test_terminal_ssh",
    "test_terminal_statements",
    "test_tunnel",
}
"""Files that use no fixture of the lab's hosts."""


def lane(file: str) -> str:
    """The process that a file of tests belongs to."""
    name = PurePosixPath(file).stem
    return BARE if name in WITHOUT_HOSTS else SWARM if name.startswith("test_swarm") else LAB


class Lanes(LoadFileScheduling):  # type: ignore[misc]
    """File by file to whoever is free, the next one of its own lane as long as there is one."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if (file := self._next(node)) is not None:
            self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        # More than it may have would be the lab of another process: once it is through it ends.
        if self.workqueue and self._next(node) is None and not node.shutting_down:
            node.shutdown()
        else:
            super()._reschedule(node)

    def _next(self, node: WorkerController) -> str | None:
        for wanted in ORDER.get(node.gateway.id, (BARE, LAB, SWARM)):
            for file in self.workqueue:
                if lane(file) == wanted:
                    return str(file)
        return None


def scheduler(config: Any, log: Any) -> Lanes | None:
    """What pytest-xdist asks for; None leaves it its own."""
    return Lanes(config, log) if config.getoption("dist") == "loadfile" else None
