"""The command that writes a backup on a host, and its answer. Pure.

What it prints on stdout is for us, a line each; `reason:` on stderr says why it gave up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.databases import facts as f
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

REASON = "reason: "
# The exit code where there is nothing to back up; then nothing was touched.
NOTHING = 3
# How the lines begin that `parse_made` reads.
ANSWERS = ("file ", "objects ", "fact ")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a backup: where the data is, and files that are copied; "" for none.

    Attributes:
        location: its containers; "" in the place of one that is left out.
        table: the table that lists the applied migrations.
    """

    location: DataLocation
    env_file: str = ""
    compose_file: str = ""
    table: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to back up."""
        data = self.location.database or self.location.objects
        return not (data or self.env_file or self.compose_file)


@dataclass(frozen=True, slots=True)
class Made:
    """The answer of a script that wrote a backup."""

    files: tuple[m.File, ...]
    objects: int
    sizes: dict[str, int]
    facts: f.Facts


def create(folder: str, compression: str, form: str, parts: Parts, started: m.Manifest) -> Command:
    """Write and check a backup beside `folder`; leave nothing if that fails.

    Args:
        compression: auto (the dump stays gzip), gzip or zstd.
        form: plain or custom, of the dump.
        started: the manifest to begin with.
    """
    command = host_script(
        "backup/create",
        title="back up",
        folder=folder,
        compression=compression,
        format=form,
        env=parts.env_file,
        compose=parts.compose_file,
        table=parts.table,
        **parts.location.values,
    )
    return command.with_stdin(m.to_json(started))


def parse_progress(line: str) -> tuple[str, int] | None:
    """Return the part and its bytes so far, if a line of `create` says that."""
    match line.split():
        case ["progress", part, count] if count.isdigit():
            return part, int(count)
    return None


def parse_written(line: str) -> str:
    """Return the part that is written and not yet checked, if a line of `create` says that; else ""."""
    match line.split():
        case ["written", part]:
            return part
    return ""


def parse_made(lines: Iterable[str]) -> Made:
    """Read the answer of `create`, its progress left out (see `ANSWERS`).

    Raises:
        ValueError: for anything else.
    """
    files, objects, sizes, facts = [], 0, {}, []
    for line in lines:
        match line.split():
            case ["file", name, size, sha256] if re.fullmatch(r"[0-9a-f]{64}", sha256):
                files.append(m.File(name, int(size), sha256))
            case ["objects", count, size]:
                objects, sizes["objects"] = int(count), int(size)
            case ["fact", *_]:
                facts.append(line.removeprefix("fact "))
            case _:
                raise ValueError(f"a backup answered {line!r}")
    about = f.parse(facts) if facts else f.Facts()
    if about.size:
        sizes["database"] = about.size
    return Made(tuple(sorted(files, key=lambda file: file.name)), objects, sizes, about)


def reason(stderr: str) -> tuple[str, str]:
    """Return why a script gave up, and everything else that it said."""
    # What bash says of its own jobs tells nobody anything.
    lines = [line for line in stderr.splitlines() if not re.match(r"\[\d+\][+-]? ", line)]
    reasons = [line.removeprefix(REASON) for line in lines if line.startswith(REASON)]
    return (reasons[0] if reasons else ""), "\n".join(line for line in lines if not line.startswith(REASON))
