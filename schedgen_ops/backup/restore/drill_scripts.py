"""The command that restores a backup into a throwaway container, and its answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.restore.scripts import told
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases import facts as f
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class Seen:
    """The content of a restored database and archive; `counted` says that the rows were counted."""

    facts: f.Facts
    objects: int | None
    answers: tuple[str, ...]
    counted: bool = True


def drill(
    folder: str,
    backup: m.Manifest,
    docker: Docker,
    image: str,
    database: Database,
    queries: Sequence[str],
    need: int,
    whose: str = "",
) -> Command:
    """Restore `backup` in a throwaway container, and tell its rows, the answers to `queries`, its objects.

    Args:
        image: the database's.
        queries: each must answer well.
        need: bytes of disk that must be free.
        whose: marks the container, so that a later drill of the same removes what a killed one left.
    """
    dump, archive = backup.database, backup.archive
    command = host_script(
        "backup/drill",
        *queries,
        title="drill the backup",
        engine=database.engine,
        docker=docker.words,
        folder=folder,
        dump=dump.name if dump else "",
        archive=archive.name if archive else "",
        need=need,
        whose=whose,
        image=image,
        user=database.user,
        name=database.name,
    )
    return command.with_stdin(told(database, backup))


def parse(stdout: str) -> Seen:
    """Read the answer of `drill`.

    Raises:
        ValueError: for anything else, and where its end is missing.
    """
    *lines, end = stdout.splitlines() or [""]
    if end != "end":
        raise ValueError("a drill did not answer to its end")
    objects, facts, answers = None, [], []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "objects":
            objects = int(rest.split()[0])
        elif word == "answer":
            answers.append(rest)
        else:
            facts.append(line)
    return Seen(f.parse(facts) if facts else f.Facts(), objects, tuple(answers), bool(facts))


def wrong(seen: Seen, backup: m.Manifest, queries: Sequence[str]) -> tuple[str, ...]:
    """Return what is not as the manifest says, a sentence each."""
    found: list[str] = []
    if backup.database and not seen.counted:
        found.append("the rows that were restored were not counted")
    elif backup.rows:
        found += f.differences(backup.rows, seen.facts.rows)
    large = backup.properties.get("large")
    if large is not None and seen.facts.large not in (None, large):
        found.append(f"there are {seen.facts.large} large objects instead of {large}")
    if seen.objects is not None and seen.objects != backup.objects:
        found.append(f"the archive has {seen.objects} objects instead of {backup.objects}")
    for query, answer in zip(queries, seen.answers, strict=False):
        if answer in ("", "0", "f", "false"):
            found.append(f"{query!r} answered {answer or 'nothing'!r}")
    return tuple(found)
