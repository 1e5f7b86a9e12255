"""Which process runs which file: one has the tests of a Swarm, one those that ask little of the machine.

Each of the three has a lab of its own. A Swarm's nodes stay up between its tests, which wait more than they
work. Beside them there is time for what needs no host of the lab, or one with nothing else on it, and for
some short ones; later a third process would make all slower than it is worth on two processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

LAB, SWARM, LIGHT = "gw0", "gw1", "gw2"
"""What pytest-xdist calls its processes, by what each takes first."""
ORDER = {LAB: (LAB, LIGHT, SWARM), SWARM: (SWARM, LAB, LIGHT), LIGHT: (LIGHT,)}
"""What a process takes, and what when there is nothing more of that."""
LITTLE = {
    "test_called_by_name",
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
    "test_mounted_files",
    "test_pulled_images",
    "test_run_report_in_a_browser",
    "test_stacks",
    "test_stacks_of_others",
    "test_stacks_traffic",
    "test_terminal_ssh",
    "test_terminal_statements",
    "test_tunnel",
}
"""Files that use no fixture of the lab's hosts but `empty_host`."""


def lane(file: str) -> str:
    """The process that a file of tests belongs to."""
    name = PurePosixPath(file).stem
    return LIGHT if name in LITTLE else SWARM if name.startswith("test_swarm") else LAB


def choose(process: str, files: Sequence[str]) -> str | None:
    """The file that a process takes next, of those that are left, in order; None where it is to end."""
    for wanted in ORDER.get(process, (LAB, LIGHT, SWARM)):
        if found := [file for file in files if lane(file) == wanted]:
            return found[0]
    if process == LIGHT and any(lane(file) == SWARM for file in files):
        # As long as the Swarm's process waits for its nodes there is time for a short one.
        return next((file for file in reversed(files) if lane(file) == LAB), None)
    return None


class Lanes(LoadFileScheduling):  # type: ignore[misc]
    """File by file to whoever is free, as `choose` says."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if (file := self._next(node)) is not None:
            self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if self.workqueue and self._next(node) is None and not node.shutting_down:
            node.shutdown()
        else:
            super()._reschedule(node)

    def _next(self, node: WorkerController) -> str | None:
        return choose(node.gateway.id, tuple(self.workqueue))


def scheduler(config: Any, log: Any) -> Lanes | None:
    """What pytest-xdist asks for; None leaves it its own."""
    return Lanes(config, log) if config.getoption("dist") == "loadfile" else None
