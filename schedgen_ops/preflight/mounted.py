"""What containers wrote into files that their release has for itself: no deploy passes over it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.own_files import parse_seen, seen_written
from schedgen_ops.preflight.probe import Judge, Probe, Problem, unknown
from schedgen_ops.release.paths import TREE, Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings

# So many paths are named in a message.
_NAMED = 5


def probe(settings: Settings, docker: Docker) -> Probe:
    """Return the probe that asks for it."""
    return Probe(seen_written(docker, settings.project, settings.directory), judge(settings))


def judge(settings: Settings) -> Judge:
    """Find what a new release would not see of what containers wrote."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield unknown("what containers wrote into the files of their release", result)
            return
        for release, (services, paths) in parse_seen(result.stdout).items():
            text = f"{', '.join(services)} wrote into the files of {release}, which a new one does not see: "
            folder = f"{Paths(settings.directory).releases}/{release}/{TREE}"
            hint = (
                f"They are in {folder}. Stop what writes them, copy what is to stay to the same place in the "
                "repository, from where it is mounted then, remove the rest, and deploy again. "
                "`release.in_place` names paths that are always mounted from there."
            )
            yield Problem(text + named(paths), hint)

    return look


def named(paths: Sequence[str]) -> str:
    """Return some of these paths, and how many more there are."""
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
