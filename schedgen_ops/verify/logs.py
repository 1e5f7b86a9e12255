"""Errors and warnings in the logs: what came since the deploy, and which of it is new. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script, library
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Logs
from schedgen_ops.shell import Command, sharing
from schedgen_ops.watch.host_sample import LogGroup
from schedgen_ops.watch.log_lines import Group, cannot_be_read, judged
from schedgen_ops.watch.rules import CheckVerdict, Finding

# What runs so gets what time nobody else needs, and nobody waits for it.
_ASIDE = "setsid --fork nice -n 19 timeout 120 {} </dev/null >/dev/null 2>&1"


def since_deploy(docker: Docker, paths: Paths, project: str, window: int) -> Command:
    """Print what came into the logs since the deploy, and the patterns that earlier releases logged."""
    functions, words = library("release_logs"), ("logs_since", paths.state, str(window))
    return sharing(docker.listing(project), *words, functions=functions, title="docker logs")


def keep(
    docker: Docker, paths: Paths, project: str, release_id: ReleaseId, *, aside: bool = False
) -> Command:
    """Keep the patterns that a release logged, so that those of the next one can be told apart.

    Args:
        aside: it only begins, and goes on by itself: what follows is urgent.
    """
    command = host_script(
        "verify/logs_keep",
        title="keep the log's patterns",
        docker=docker.words,
        state=paths.state,
        project=project,
        release=release_id,
    )
    return replace(command, text=_ASIDE.format(command.text)) if aside else command


@dataclass(frozen=True, slots=True)
class Digest:
    """What the logs hold since the deploy: new errors first.

    Attributes:
        seconds: how far back that is.
        unread: services that have a log which cannot be read, and their logging drivers.
    """

    groups: tuple[Group, ...]
    seconds: int
    unread: tuple[tuple[str, str], ...] = ()


def parse(stdout: str, settings: Logs) -> Digest:
    """Read the answer of `since_deploy`.

    Raises:
        ValueError: for anything else.
    """
    known: set[tuple[str, ...]] = set()
    unread: set[tuple[str, str]] = set()
    seconds, earlier, found = -1, False, []
    for line in stdout.splitlines():
        match line.split("\t"):
            case ["since", _, ago]:
                seconds = int(ago)
            case ["earlier"]:
                earlier = True
            case ["known", service, pattern]:
                known.add((service, pattern))
            case ["unread", service, driver]:
                unread.add((service, driver))
            case ["log", service, count, pattern, example] if count.isdigit():
                found.append(LogGroup(service, int(count), pattern, example))
    if seconds < 0:
        raise ValueError(f"no answer: {stdout[-100:]!r}")
    groups = [
        Group(g.service, g.level, g.count, g.pattern, g.example, _new(g, known) if earlier else None)
        for g in judged(_merged(found), settings.ignore)
    ]
    order = sorted(groups, key=lambda g: (g.new is False, g.level != "error", -g.count, g.service, g.pattern))
    return Digest(tuple(order), seconds, tuple(sorted(unread)))


def _new(group: Group, known: set[tuple[str, ...]]) -> bool | None:
    if (group.service, group.pattern) in known:
        return False
    return None if ("", group.service) in known else True


def _merged(groups: Iterable[LogGroup]) -> tuple[LogGroup, ...]:
    """The groups of several containers of a service as one."""
    found: dict[tuple[str, str], LogGroup] = {}
    for group in groups:
        key = (group.service, group.pattern)
        before = found.get(key)
        count = group.count + (before.count if before else 0)
        found[key] = LogGroup(group.service, count, group.pattern, group.example)
    return tuple(found.values())


def finding(digest: Digest, settings: Logs) -> Finding:
    """Return the finding on the logs."""
    errors = [group for group in digest.groups if group.level == "error"]
    fresh = [group for group in errors if group.new is not False]
    bad = {"new": fresh, "any": errors, "never": []}[settings.fail]
    lines = {kind: sum(g.count for g in digest.groups if g.level == kind) for kind in ("error", "warning")}
    text = f"{lines['error']} error and {lines['warning']} warning lines in {digest.seconds} s"
    if any(group.new is None for group in digest.groups):
        text += ", no earlier release to compare with"
    elif digest.groups:
        text += f", {sum(group.new is True for group in digest.groups)} new patterns"
    if digest.unread:
        text = f"{cannot_be_read(digest.unread)}; in the others {text}"
    if not bad:
        known = not digest.unread or settings.fail == "never"
        return Finding("logs", CheckVerdict.PASSED if known else CheckVerdict.UNKNOWN, text)
    first = bad[0]
    return Finding("logs", CheckVerdict.FAILED, f"{text}; {first.service}: {first.count}x {first.example}")
