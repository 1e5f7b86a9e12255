"""The Docker Engine of this machine, where it builds the images: what it is asked, and the judge. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schedgen_ops.commands import disks, facts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.preflight.host import GIB, plugin
from schedgen_ops.preflight.probe import Judge, Problem, reason, unknown
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

DOCKER = Docker()
INSTEAD = "`build.where: hosts` has the hosts build."
_PLATFORMS = re.compile(r"^Platforms:\s+(.*)$", re.MULTILINE)
_START = f"Start Docker here, and see that `docker version` answers; {INSTEAD}"


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """What was seen of the engine here.

    Attributes:
        problems: why it cannot build, or may not be able to.
        platform: what it runs images for, as linux/amd64; "" where it does not answer.
        builds: the platforms that it can build for, with its own; empty where that is not known.
        classic: whether it has no buildx.
    """

    problems: tuple[Problem, ...] = ()
    platform: str = ""
    builds: frozenset[str] = frozenset()
    classic: bool = False


def commands(folder: str) -> dict[str, Command]:
    """Return what this machine is asked.

    Args:
        folder: where what is carried lies for a while.
    """
    return {
        "engine": DOCKER.platform(),
        "compose": facts.compose(DOCKER),
        "builder": DOCKER.builder(),
        "disk": disks.spaces(DOCKER, folder),
    }


def read(settings: Settings, answers: Mapping[str, Result]) -> LocalEngine:
    """Judge the answers to `commands`; without an engine there is no other problem."""
    if not answers["engine"].ok:
        text = f"Docker does not answer on this machine: {reason(answers['engine'])}"
        return LocalEngine((Problem(text, _START),))
    builder, platform = answers["builder"], answers["engine"].text
    problems = (*_compose(answers["compose"]), *_disk(settings, answers["disk"]))
    return LocalEngine(problems, platform, _builds(builder, platform), classic=not builder.ok)


def _compose(answer: Result) -> Iterator[Problem]:
    for problem in plugin(answer):
        yield Problem(f"on this machine {problem.text}", problem.hint, problem.refuses, problem.unknown)


def _builds(answer: Result, platform: str) -> frozenset[str]:
    if not answer.ok:
        return frozenset({platform})
    # A builder that does not run yet says nothing of them.
    found = [name.strip(" *") for each in _PLATFORMS.findall(answer.stdout) for name in each.split(",")]
    return frozenset((*found, platform)) if found else frozenset()


def _disk(settings: Settings, answer: Result) -> Iterator[Problem]:
    try:
        spaces = disks.parse_spaces(answer.stdout)
    except ValueError:
        yield unknown("the free disk space of this machine", answer)
        return
    limit = settings.limits.disk_free_gb
    for space in spaces.found:
        if space.free / GIB < limit:
            text = f"{space.free / GIB:.1f} GB of disk are free on this machine, {limit:g} GB are needed"
            hint = "`docker system prune` removes what no container here uses. "
            yield Problem(f"{text} ({space.path})", hint + INSTEAD)
    if spaces.unknown or not spaces.docker:
        where = ", ".join(spaces.unknown) or "Docker's own folder"
        text = f"the free disk space of Docker on this machine is not known: {where} cannot be seen from here"
        yield Problem(text, refuses=False, unknown=True)


def judge(engine: LocalEngine) -> Judge:
    """Find whether it can build for a host, which tells its platform."""

    def look(result: Result) -> Iterator[Problem]:
        yield from engine.problems
        if not engine.platform:
            return
        if not result.ok:
            yield Problem(f"what images have to be for is not known: {reason(result)}", unknown=True)
        elif engine.builds and result.text not in engine.builds:
            known = ", ".join(sorted(engine.builds))
            text = f"the host is {result.text}, and Docker on this machine builds for {known} alone"
            yield Problem(text, _emulation(engine, result.text))

    return look


def _emulation(engine: LocalEngine, platform: str) -> str:
    buildx = "Install buildx here (docker-buildx-plugin), then emulation: " if engine.classic else ""
    command = f"docker run --privileged --rm tonistiigi/binfmt --install {platform.partition('/')[2]}"
    return f"{buildx}`{command}` lets it build for that; {INSTEAD}"
