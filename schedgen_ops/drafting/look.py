"""What a host tells of a project that somebody runs by hand."""

from __future__ import annotations

import json
from dataclasses import replace

from schedgen_ops.command_errors import last_lines
from schedgen_ops.commands import http
from schedgen_ops.commands.docker import Docker
from schedgen_ops.drafting import called
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.drafting.visits import visits
from schedgen_ops.errors import CommandFailed
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import Result
from schedgen_ops.rollout import by_name, spoken
from schedgen_ops.shell import Command

_DEADLINE = 120.0
_ANSWER = 5.0


def command(docker: Docker, directory: str) -> Command:
    """Return what asks a host of the project in `directory`; it changes nothing."""
    asked = host_script(
        "drafting/look", title=f"look at {directory}", docker=docker.words, directory=directory
    )
    return asked.kept_private()


def parse(stdout: str) -> Seen:
    """Read its answer.

    Raises:
        ValueError: for anything else.
    """
    if not stdout.startswith("at\t"):
        raise ValueError(f"not what was asked: {stdout[:80]!r}")
    head, _, document = stdout.partition("--\n")
    rows: dict[str, list[tuple[str, ...]]] = {}
    for line in head.splitlines():
        kind, *fields = line.split("\t")
        rows.setdefault(kind, []).append(tuple(fields))
    names = {
        kind: tuple(row[0] for row in rows.get(kind, ())) for kind in ("folder", "used", "required", "there")
    }
    branch, remote = next(iter(rows.get("git", ())), ("", ""))
    return Seen(
        json.loads(document),
        directory=rows["at"][0][0],
        git="git" in rows,
        branch=branch,
        remote=remote,
        runs=tuple((project, service, status) for project, service, status in rows.get("runs", ())),
        listens=tuple(by_name.listener(*row) for row in rows.get("listens", ())),
        moves=tuple((kind, path) for kind, path in rows.get("moves", ())),
        folders=names["folder"],
        used=names["used"],
        required=names["required"],
        there=names["there"],
        tagged=tuple((variable, image) for variable, image in rows.get("tagged", ())),
    )


def look(host: HostContext) -> Seen:
    """Return what a host has of the project in the directory that the settings name.

    Raises:
        CommandFailed: where Docker, Compose or the directory do not answer.
        Unreachable: where the host cannot be asked.
    """
    asked = command(host.docker, host.settings.directory)
    answer = host.run(asked, _DEADLINE, check=False)
    try:
        seen = parse(answer.stdout)
    except ValueError:
        raise CommandFailed(
            f"nothing can be said of {host.settings.directory}",
            code=answer.code,
            host=host.name,
            detail=last_lines(asked, answer),
            hint="There, `docker compose config` has to work as the user who logs in.",
        ) from None
    ports = visits(seen)
    inside = by_name.doors(called.candidates(seen))
    doors = tuple(dict.fromkeys((*(visit.door for visit in ports), *inside)))
    if not doors:
        return seen
    said = spoken.parse(host.run(spoken.command(doors), spoken.DEADLINE + _DEADLINE, check=False).stdout)
    urls = tuple(visit.url for visit in ports if said.get(visit.door) == spoken.HTTP)
    if not urls:
        return replace(seen, spoken=said)
    answers = host.remote.together([http.get(url, _ANSWER) for url in urls], deadline=2 * _ANSWER)
    return replace(seen, spoken=said, answers=dict(zip(urls, map(_status, answers), strict=True)))


def _status(answer: Result) -> int:
    try:
        return http.parse_answer(answer.stdout).status
    except ValueError:
        return 0
