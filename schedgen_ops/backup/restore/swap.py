"""The command that swaps restored data in, and back out. Pure.

A database takes the place of the old one by its name, objects by a move. What was there is kept in the same
way: nothing is copied, and everything can be swapped back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from schedgen_ops import json_records
from schedgen_ops.backup.catalog.manifest import BackupId, is_backup_id
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def swap(
    location: DataLocation,
    lock: str,
    clients: Sequence[str],
    wait: int,
    note: str,
    *,
    back: bool = False,
    held: bool = False,
) -> Command:
    """Swap what was restored and what serves, with the services that use it stopped meanwhile.

    Args:
        lock: a file that only one of these scripts holds at a time.
        clients: the containers of those services.
        wait: seconds that they have to get healthy.
        note: what `parse_note` reads, should the host go down in the middle.
        back: whether what was swapped in before is swapped out.
        held: whether the object store's container only holds its objects, while a Swarm runs none.
    """
    return host_script(
        "backup/swap",
        title="swap back" if back else "swap",
        **location.values,
        lock=lock,
        direction="back" if back else "forward",
        limit=wait,
        note=note,
        held="yes" if held else "",
        clients=clients,
    )


@dataclass(frozen=True, slots=True)
class Note:
    """A restore whose data is being swapped.

    Attributes:
        backup: its id.
        stamp: the restore's time, YYYYMMDD_HHMMSS in UTC.
        parts: database, objects.
    """

    backup: BackupId
    stamp: str
    parts: tuple[str, ...]

    def text(self) -> str:
        """Return the note as one line of JSON."""
        return json.dumps(asdict(self))


def parse_note(line: str) -> Note:
    """Read a note that a host kept.

    Raises:
        ValueError: where it is none.
    """
    note = json_records.parse(Note, line)
    if not is_backup_id(note.backup) or not _STAMP.fullmatch(note.stamp):
        raise ValueError("it names no backup")
    return note


_STAMP = re.compile(r"\d{8}_\d{6}", re.ASCII)


def parse_gap(stdout: str) -> float:
    """Return the seconds that the services were away, by the answer of `swap`.

    Raises:
        ValueError: for anything else.
    """
    match stdout.split():
        case [*_, "gap", microseconds]:
            return int(microseconds) / 1e6
    raise ValueError(f"a swap answered {stdout!r}")
