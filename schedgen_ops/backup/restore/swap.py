"""The command that swaps restored data in, and back out. Pure.

A database takes the place of the old one by its name, objects by a move. What was there is kept in the same
way: nothing is copied, and everything can be swapped back.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def swap(
    location: DataLocation, lock: str, clients: Sequence[str], wait: int, *, back: bool = False
) -> Command:
    """Swap what was restored and what serves, with the services that use it stopped meanwhile.

    Args:
        lock: a file that only one of these scripts holds at a time.
        clients: the containers of those services.
        wait: seconds that they have to get healthy.
        back: whether what was swapped in before is swapped out.
    """
    return host_script(
        "backup/swap",
        title="swap back" if back else "swap",
        **location.values,
        lock=lock,
        direction="back" if back else "forward",
        limit=wait,
        clients=clients,
    )


def parse_gap(stdout: str) -> float:
    """Return the seconds that the services were away, by the answer of `swap`.

    Raises:
        ValueError: for anything else.
    """
    match stdout.split():
        case [*_, "gap", microseconds]:
            return int(microseconds) / 1e6
    raise ValueError(f"a swap answered {stdout!r}")
