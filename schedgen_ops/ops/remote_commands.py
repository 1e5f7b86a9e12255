"""What single operations run on a host. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases import engine_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command, Value
from schedgen_ops.verify import remote_commands

# Logs of ours that are older than so many days are old.
OLD_DAYS = 30


def restart(docker: Docker, containers: Sequence[str], limit: int, jobs: Sequence[str] = ()) -> Command:
    """Restarts containers and waits until all are well, at most `limit` seconds; `jobs` until they end."""
    given = _until_well(docker, containers, limit, jobs)
    return host_script("ops/restart", title="docker restart", **given)


def start(docker: Docker, containers: Sequence[str], limit: int, jobs: Sequence[str] = ()) -> Command:
    """Starts containers and waits until all are well, at most `limit` seconds; `jobs` until they end."""
    given = _until_well(docker, containers, limit, jobs)
    return host_script("ops/start", title="docker start", **given)


def _until_well(
    docker: Docker, containers: Sequence[str], limit: int, jobs: Sequence[str]
) -> dict[str, Value]:
    return {"docker": docker.words, "containers": containers, "ending": jobs, "limit": limit}


def waste(docker: Docker, state: str) -> Command:
    """What can be removed without anybody missing it."""
    return host_script("ops/waste", title="docker system df", docker=docker.words, state=state, days=OLD_DAYS)


@dataclass(frozen=True, slots=True)
class Waste:
    """What can be removed.

    Attributes:
        cache: what the build cache takes, in Docker's words: "1.2GB".
        dangling: images without a name.
        logs: (bytes, path) of old logs of ours.
    """

    cache: str
    dangling: int
    logs: tuple[tuple[int, str], ...]


def parse_waste(stdout: str) -> Waste:
    """Reads the answer of `waste`.

    Raises:
        ValueError: where it says something else.
    """
    cache, dangling = "", -1
    logs: list[tuple[int, str]] = []
    for line in stdout.splitlines():
        match line.split("\t", 2):
            case ["Build Cache", size, _]:
                cache = size
            case ["dangling", count, _]:
                dangling = int(count)
            case ["log", size, path]:
                logs.append((int(size), path))
    if dangling < 0:
        raise ValueError(f"docker says nothing of what it holds: {stdout[-100:]!r}")
    return Waste(cache or "0B", dangling, tuple(logs))


def prune(docker: Docker, state: str) -> Command:
    """Removes what `waste` tells of; volumes, containers and named images stay."""
    return host_script("ops/prune", title="docker prune", docker=docker.words, state=state, days=OLD_DAYS)


def end_session(docker: Docker, project: str, database: Database, pid: int) -> Command:
    """Ends a session of the database; answers with t where there was one of that number."""
    statement = engine_of(database.engine).ending(pid)
    return remote_commands.queries(docker, project, database, statement)
