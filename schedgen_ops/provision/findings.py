"""What a host has to be, and whether it is: a tick for each thing, passed or failed with its fix. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.checklist.boxes import Box, Mark, Tick, mark
from schedgen_ops.errors import HostKeyChanged, KeyRefused, OpsError, UnknownHostKey, Unreachable
from schedgen_ops.preflight import host as look
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.provision.facts import BETTER, Facts
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings

# In the order in which one needs the other.
_TITLES = (
    "Reachable",
    "Host key",
    "Login",
    "Root",
    "System",
    "Tools",
    "Docker Engine",
    "Docker Compose",
    "Directory",
    "Clone",
    "Credentials",
    "Disk",
    "Clock",
)
# Whoever got to what is behind these came through them.
_WAY = _TITLES[:3]
_BOXES = {title: Box("Host", title) for title in _TITLES}
_ORDER = (Mark.WARNING, Mark.UNKNOWN, Mark.FAILED)
# The oldest engine that was tried.
_ENGINE = (20, 10)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")

# What of a host was seen, or is not as it should be; with the title of its box.
Found = tuple[str, str | Problem]


def ticks(settings: Settings, facts: Facts, sent: datetime, received: datetime) -> tuple[Tick, ...]:
    """Judge a host that told of itself.

    Args:
        sent: when it was asked, by this machine's clock; `received` is when it had answered.
    """
    found: dict[str, list[str | Problem]] = {"Reachable": [""], "Host key": ["in known_hosts"]}
    for title, what in (*_machine(settings, facts), *_docker(settings, facts), *_project(settings, facts)):
        found.setdefault(title, []).append(what)
    clock = host_time.apart(facts.clock, sent, received)
    hint = "See that both keep time: `timedatectl` tells."
    found["Clock"] = [Problem(clock, hint, refuses=False) if clock else "agrees with this machine's"]
    return tuple(_tick(title, *found[title]) if title in found else _unseen(title) for title in _TITLES)


def without(error: OpsError) -> tuple[Tick, ...]:
    """Judge a host by what kept it from telling of itself; what is behind that was not looked at."""
    barred = _barred(error)
    passed = _WAY[: _TITLES.index(barred)]
    known = {title: _tick(title, "") for title in passed}
    known[barred] = _tick(barred, Problem(error.message, error.hint))
    return tuple(known[title] if title in known else _unseen(title) for title in _TITLES)


def _barred(error: OpsError) -> str:
    if isinstance(error, UnknownHostKey | HostKeyChanged):
        return "Host key"
    if isinstance(error, KeyRefused):
        return "Login"
    # Who says that a command failed was reached, and logged in to.
    return "Reachable" if isinstance(error, Unreachable) else "Tools"


def refusals(found: tuple[Tick, ...]) -> tuple[Problem, ...]:
    """Return what a deploy could not do with."""
    return tuple(problem for tick in found for problem in tick.problems if problem.refuses)


def _tick(title: str, *found: str | Problem) -> Tick:
    problems = tuple(each for each in found if isinstance(each, Problem))
    seen = ", ".join(each for each in found if isinstance(each, str) and each)
    worst = max(map(mark, problems), key=_ORDER.index, default=Mark.PASSED)
    return Tick(_BOXES[title], worst, problems, seen)


def _unseen(title: str) -> Tick:
    return Tick(_BOXES[title], Mark.UNKNOWN, seen="not looked at")


def _machine(settings: Settings, facts: Facts) -> Iterator[Found]:
    yield "Login", facts.user
    if facts.root:
        yield "Root", "is root"
    else:
        yield "Root", "by sudo, without a password" if facts.sudo else "no, and none is needed to deploy"
    yield "System", f"{facts.system_name}, {facts.machine}"
    spared = BETTER if settings.from_git else (*BETTER, "git")
    if lacking := [tool for tool in facts.missing if tool not in spared]:
        named = " ".join(lacking)
        yield "Tools", Problem(f"missing: {named}", "Install the packages that have them on the host.")
    elif "curl" in facts.missing:
        text = f"without {' '.join(facts.missing)}: HTTP is spoken by bash, and has no TLS"
        yield "Tools", Problem(text, "Install it on the host.", refuses=False)
    else:
        yield "Tools", "all are there"


def _docker(settings: Settings, facts: Facts) -> Iterator[Found]:
    if facts.engine_error == "none":
        install = "Install Docker Engine with its Compose plugin on the host."
        yield "Docker Engine", Problem("Docker is not installed", install)
        return
    answer = _answer(facts.engine, facts.engine_error)
    if refused := list(look.docker_answers(settings)(answer)):
        yield from (("Docker Engine", problem) for problem in refused)
    else:
        yield "Docker Engine", _engine(facts.engine)
        yield "Docker Engine", _member(settings, facts)
    if problems := list(look.plugin(_answer(facts.compose, facts.compose_error))):
        yield from (("Docker Compose", problem) for problem in problems)
    else:
        yield "Docker Compose", facts.compose


def _answer(said: str, error: str) -> Result:
    return Result(said, error, 1 if error or not said else 0, 0.0)


def _engine(version: str) -> str | Problem:
    match = _VERSION.match(version)
    if match is None:
        return Problem(f"its version is not known: it says {version!r}", refuses=False, unknown=True)
    if (int(match[1]), int(match[2])) < _ENGINE:
        tried = ".".join(map(str, _ENGINE))
        return Problem(f"{version} is older than {tried}, the oldest that was tried", refuses=False)
    return version


def _member(settings: Settings, facts: Facts) -> str:
    if facts.root or settings.sudo:
        return "as root" if facts.root else "by sudo"
    return f"{facts.user} is in the group docker" if "docker" in facts.groups else "it answers this user"


def _project(settings: Settings, facts: Facts) -> Iterator[Found]:
    yield "Directory", _directory(settings, facts)
    if facts.directory == "there":
        images = "none is needed: releases are images"
        yield "Clone", _clone(settings, facts) if settings.from_git else images
        yield "Credentials", _credentials(settings, facts)
    gib = None if facts.free is None else facts.free / 1024**2
    if gib is None:
        text = "free disk space is not known where the project is"
        yield "Disk", Problem(text, refuses=False, unknown=True)
    elif gib < settings.limits.disk_free_gb:
        text = f"{gib:.1f} GB are free, {settings.limits.disk_free_gb:g} GB are needed"
        yield "Disk", Problem(text, "`inv ops.prune` shows what can go.")
    else:
        yield "Disk", f"{gib:.1f} GB are free"


def _directory(settings: Settings, facts: Facts) -> str | Problem:
    where = settings.directory
    match facts.directory:
        case "there":
            return where
        case "missing":
            correct = f"correct `directory` in config/{settings.environment}.yaml"
            return Problem(f"no project directory {where}", f"Clone the project there, or {correct}.")
        case "closed":
            return Problem(f"{facts.user} may not work in {where}", f"Give {facts.user} the folder {where}.")
        case _:
            return Problem(f"{where} is no folder")


def _clone(settings: Settings, facts: Facts) -> str | Problem:
    if not facts.top:
        hint = f"Clone the project to {settings.directory}."
        return Problem(f"git finds no work tree: {facts.clone_error or 'it says nothing'}", hint)
    return f"the work tree {facts.top}"


def _credentials(settings: Settings, facts: Facts) -> str | Problem:
    file = settings.env_file
    if facts.env == "missing" and settings.delivered:
        return _delivered(settings)
    if facts.env == "missing" and not settings.credentials:
        return f"no {file}, and the config asks for no credentials"
    if not facts.env.isdigit():
        hint = f"Put {file} into {settings.directory}."
        if settings.backup.offsite:
            hint += " Of a host that was lost: `inv backup.restore ID --from-offsite` brings it too."
        return Problem(f"{file} is {facts.env or 'unknown'}", hint)
    if int(facts.env, 8) & 0o077:
        text = f"{file} has the mode {facts.env}: others than its owner may use it"
        return Problem(text, "Give it the mode 600.", refuses=False)
    return f"{file}, mode {facts.env}"


def _delivered(settings: Settings) -> str | Problem:
    text = f"{settings.env_file} comes with the release"
    if others := ", ".join(look.expected(settings)):
        hint = "Add them to `secrets` or `variables`, unless the host's own shell sets them."
        return Problem(f"{text}, without {others}", hint, refuses=False)
    return text
