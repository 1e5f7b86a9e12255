"""What is wrong with one container, from its state, its last words and the ports of the host. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from schedgen_ops.commands.docker import Container
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.doctor.remote_commands import Boxes, ContainerDetail
from schedgen_ops.log_excerpt import telling
from schedgen_ops.text import duration

# What may follow from a service that it needs; all else is a cause of its own.
FOLLOWS = ("crashed", "restarting", "unhealthy", "not started yet")
# In order of weight: the first that any container of a service has is told.
_ORDER = ("port taken", "out of memory", "image missing", "not started")

PORT = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
NO_IMAGE = re.compile(r"no such image|image .* not found|unable to find image", re.IGNORECASE)
# Ended by somebody who asked: SIGTERM and SIGKILL are how `stop` ends it.
_ASKED = (0, 137, 143)
_KILLED = 137
# So many restarts, the last within so many seconds, are no accident.
_RESTARTS, _LATELY = 3, 600.0
# What services write when their surroundings are wrong, most specific first.
SAID = (
    (
        "configuration",
        re.compile(
            r"(environment|config\w*|setting|variable)\b.{0,60}"
            r"\b(missing|not set|undefined|required|invalid|unset)"
            r"|\b(missing|required|invalid)\b.{0,40}\b(environment|config\w*|setting|variable|credentials?)\b"
            r"|password authentication failed|invalid (access|secret) ?key"
            r"|(access|secret)[ _]?key.{0,20}(invalid|wrong)",
            re.IGNORECASE,
        ),
    ),
    (
        "dependency",
        re.compile(
            r"ECONNREFUSED|ENOTFOUND|EAI_AGAIN|connection refused"
            r"|could not translate host name|no route to host",
            re.I,
        ),
    ),
    (
        "out of memory",
        re.compile(r"heap out of memory|std::bad_alloc|MemoryError|cannot allocate memory", re.I),
    ),
    ("disk full", re.compile(r"ENOSPC|no space left", re.I)),
    ("permissions", re.compile(r"EACCES|permission denied|read-only file system", re.I)),
)


def weight(found: Diagnosis) -> int:
    """Return how much of a cause it is, less for more."""
    return _ORDER.index(found.cause) if found.cause in _ORDER else len(_ORDER)


def starved(service: str, how: str, *evidence: str) -> Diagnosis:
    """Return that a service has too little memory."""
    fix = f"inv ops.restart {service}; give it more memory in the compose file, or `inv rollback`"
    return Diagnosis("out of memory", f"{service}: {how}", fix, evidence, services=(service,))


def trouble(box: Container, details: Boxes) -> Diagnosis | None:
    """Return what is wrong with a container; None for one that is well."""
    more, log = details.boxes.get(box.id, ContainerDetail()), details.logs.get(box.id, ())
    if box.job and (box.good or box.status == "running"):
        return None
    if box.status == "paused":
        text = f"{box.name} is paused"
        return Diagnosis("paused", text, f"inv ops.start {box.service}")
    if box.oom_killed or (box.status == "exited" and box.exit_code == _KILLED and more.memory):
        return _killed(box, more)
    if box.status in ("created", "exited", "dead"):
        return _still(box, more, details, log)
    return _alive(box, more, details, log)


def _killed(box: Container, more: ContainerDetail) -> Diagnosis:
    """Docker does not always hear of it that the kernel ended one for want of memory."""
    limit = f", its limit is {more.memory // 2**20} MB" if more.memory else ""
    if box.oom_killed:
        return starved(box.service, f"{box.name} was killed for want of memory{limit}")
    text = f"{box.name} was killed (exit code {_KILLED}){limit}"
    return starved(box.service, f"{text}: for want of memory, or it did not end when it was asked to")


def _alive(box: Container, more: ContainerDetail, details: Boxes, log: Sequence[str]) -> Diagnosis | None:
    """Why a container that runs is not well."""
    if box.status == "restarting" or (box.restarts >= _RESTARTS and _age(box, details.now) < _LATELY):
        text = (
            f"{box.name} is restarted again and again: {box.restarts} times, last exit code {box.exit_code}"
        )
        return _by_log("restarting", box, text, log)
    if box.health == "unhealthy":
        said = f"its health check says: {more.said}" if more.said else "its health check fails"
        return _by_log("unhealthy", box, f"{box.name} is unhealthy", log, said)
    if box.health == "starting":
        text = (
            f"{box.name} started {duration(_age(box, details.now), tenths=False)} ago and is not healthy yet"
        )
        return Diagnosis("not started yet", text, "wait a minute, then `inv doctor` again", tuple(log[-2:]))
    return None


def _still(box: Container, more: ContainerDetail, details: Boxes, log: Sequence[str]) -> Diagnosis:
    """Why a container that should run does not."""
    error = tuple(filter(None, (more.error,)))
    taken = [port for port in more.ports if port in details.listening]
    if PORT.search(more.error) or taken:
        who = [f"port {port}: {details.listening[port] or 'some process'} has it" for port in taken]
        text = f"{box.name} cannot start: its port is taken"
        fix = f"end what has the port, then `inv ops.start {box.service}`"
        return Diagnosis("port taken", text, fix, (*who, *error))
    if NO_IMAGE.search(more.error):
        return Diagnosis("image missing", f"{box.name} has no image", f"inv ops.build {box.service}", error)
    if more.error:
        return Diagnosis(
            "not started", f"{box.name} could not be started", f"inv ops.start {box.service}", error
        )
    if box.status == "created":
        return Diagnosis("not started", f"{box.name} was never started", f"inv ops.start {box.service}")
    if box.exit_code in _ASKED:
        text = f"{box.name} is stopped (exit code {box.exit_code})"
        return Diagnosis("stopped", text, f"inv ops.start {box.service}")
    return _by_log("crashed", box, f"{box.name} ended with exit code {box.exit_code}", log)


def _by_log(cause: str, box: Container, text: str, log: Sequence[str], *said: str) -> Diagnosis:
    """The same, made more precise by what the container wrote last."""
    lines = telling(log, 6)
    for name, pattern in SAID:
        if any(pattern.search(line) for line in log):
            more = (f"its log tells of: {name}", *said, *lines)
            # A container keeps the environment that it was made with: only a deploy gives it another.
            fix = "correct the env file or the compose file, then `inv deploy`"
            again = f"inv ops.restart {box.service}"
            return Diagnosis(cause, text, fix if name == "configuration" else again, more)
    return Diagnosis(cause, text, f"inv ops.restart {box.service}; inv rollback", (*said, *lines))


def _age(box: Container, now: int) -> float:
    """Seconds since it was started, by the host's clock."""
    started = datetime.fromisoformat(re.sub(r"\.\d+", "", box.started).replace("Z", "+00:00"))
    return max(0.0, now - started.timestamp())
