"""Errors and warnings in the logs: what came since the deploy, and which of it is new. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Logs
from schedgen_ops.shell import Command, script
from schedgen_ops.verify.plan import Finding, Verdict
from schedgen_ops.verify.sample import LogGroup
from schedgen_ops.verify.sampler import GROUP

_LEVELS = {
    **dict.fromkeys(("error", "err", "eror", "fatal", "critical", "crit", "panic", "severe"), "error"),
    **dict.fromkeys(("alert", "emerg", "emergency"), "error"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("info", "debug", "trace", "notice", "log", "detail", "hint", "statement", "dbug"), ""),
}
_KEYED = re.compile(r"""["']?\b(?:level|lvl|severity|levelname)["']?\s*[=:]\s*["']?([a-z]+)""")
_WORD = re.compile(r"[a-z]+")
_NONE = re.compile(
    r"\b(?:no|0|zero|without) (?:errors?|warnings?|fail\w+)|\berrors?[=:] ?(?:0|none|null|nil)\b"
)
_ERROR = re.compile(
    r"(?<![a-z])(?:errors?|err|fatal|panic|critical|severe|traceback|[a-z]*exception)(?![a-z])"
)
_THROWN = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b")
_WARNING = re.compile(r"(?<![a-z])warn(?:ing|ings)?(?![a-z])")
# Every roll-out makes our own ingress warn of servers that come and go, as they should.
_INGRESS = "schedgen-ingress"
# A level stands at the start of a line, after its time and its source.
_HEAD_WORDS = 8

_FUNCTIONS = (
    GROUP
    + r"""
state=$1 filter=$2; shift 2
collect() { # what every container of the project logged since $1
  local since=$1 id name docker; shift
  docker=("$@")
  while IFS=$'\t' read -r id name; do
    logged "$name" "$id" --since "$since" --tail 50000 &
  done < <("$@" ps --all --no-trunc --filter "$filter" --filter label=com.docker.compose.oneoff=False \
    --format '{{.ID}}'$'\t''{{.Label "com.docker.compose.service"}}')
  wait
}
begun() { # when release $1 was begun, by the host's clock: its first file's time
  local file
  for file in "$state/releases/$1"/*; do [ ! -f "$file" ] || stat -c %Y "$file"; done | sort -n | head -n 1
}
"""
)
# $3 seconds to look back where nothing was deployed, the rest docker's words.
_SINCE = (
    _FUNCTIONS
    + r"""
window=$1; shift
current='' since=''
[ ! -r "$state/current" ] || read -r current < "$state/current"
[ -z "$current" ] || since=$(begun "$current")
[ -n "$since" ] || since=$(($(date +%s) - window))
printf 'since\t%s\t%s\n' "$since" "$(($(date +%s) - since))"
for file in "$state"/releases/*/log-patterns; do
  [ -r "$file" ] && [ "$file" != "$state/releases/$current/log-patterns" ] || continue
  echo earlier; while IFS= read -r line; do printf 'known\t%s\n' "$line"; done < "$file"
done
"$@" version >/dev/null || exit
collect "$since" "$@"
"""
)
# $3 the release; what its containers, and those that it left alone, ever logged is kept beside its record:
# the next one is held against it. A service whose log could not be read stands behind an empty field.
_KEEP = (
    _FUNCTIONS
    + r"""
folder=$state/releases/$1; shift
[ -d "$folder" ] || exit 0
umask 077
collect 0 "$@" | sed -n -e 's/^unread\t\([^\t]*\)\t.*/\t\1/p' \
  -e 's/^log\t\([^\t]*\)\t[^\t]*\t\([^\t]*\)\t.*/\1\t\2/p' |
  sort -u | head -n 2000 > "$folder/log-patterns.part" &&
mv -f "$folder/log-patterns.part" "$folder/log-patterns"
"""
)

# $1 a body, then its arguments: it gets what time nobody else needs, and nobody waits for it.
_ASIDE = 'setsid --fork nice -n 19 timeout 120 bash -o pipefail -c "$@" </dev/null >/dev/null 2>&1'


def since_deploy(docker: Docker, paths: Paths, project: str, window: int) -> Command:
    """What came into the logs since the deploy, and the patterns that earlier releases logged."""
    words = (paths.state, f"label={PROJECT_LABEL}={project}", str(window), *docker.words)
    return script(_SINCE, *words, title="docker logs")


def keep(docker: Docker, paths: Paths, project: str, release: str, *, aside: bool = False) -> Command:
    """Keeps the patterns that a release logged, so that those of the next one can be told apart.

    Args:
        aside: it only begins, and goes on by itself: what follows is urgent.
    """
    words = (paths.state, f"label={PROJECT_LABEL}={project}", release, *docker.words)
    title = "keep the log's patterns"
    if aside:
        return script(_ASIDE, _KEEP, title, *words, title=title)
    return script(_KEEP, *words, title=title)


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are alike.

    Attributes:
        level: error or warning.
        new: whether no earlier release logged the like; None where there is none to compare with, or where
            its log could not be read.
    """

    service: str
    level: str
    count: int
    pattern: str
    example: str
    new: bool | None = None


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


def level(line: str) -> str:
    """error, warning, or "" for a line that tells of no trouble.

    A level that the line names at its start, or as level=..., decides; else words anywhere in it do.
    """
    lower = line.lower()
    if keyed := _KEYED.search(lower):
        return _LEVELS.get(keyed[1], "")
    for word in _WORD.findall(" ".join(line.split()[:_HEAD_WORDS])[:80].lower()):
        if word in _LEVELS and word.upper() in line:
            return _LEVELS[word]
    rest = _NONE.sub(" ", lower)
    if _ERROR.search(rest) or _THROWN.search(line):
        return "error"
    return "warning" if _WARNING.search(rest) else ""


def judged(groups: Iterable[LogGroup], ignore: Sequence[str]) -> tuple[Group, ...]:
    """The groups that tell of trouble, with their levels."""
    skip = [re.compile(pattern) for pattern in ignore]
    kept = (group for group in groups if not any(pattern.search(group.example) for pattern in skip))
    found = (Group(g.service, level(g.example), g.count, g.pattern, g.example) for g in kept)
    return tuple(
        group for group in found if group.level and (group.service, group.level) != (_INGRESS, "warning")
    )


def parse(stdout: str, settings: Logs) -> Digest:
    """Reads the answer of `since_deploy`.

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


def cannot_be_read(unread: Iterable[tuple[str, str]]) -> str:
    """The sentence about services whose logs cannot be read; "" for none."""
    each = [f"{name} (logging driver {driver})" if driver else name for name, driver in unread]
    return f"the logs of {', '.join(each)} cannot be read" if each else ""


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
    """The verdict on the logs."""
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
        return Finding("logs", Verdict.PASSED if known else Verdict.UNKNOWN, text)
    first = bad[0]
    return Finding("logs", Verdict.FAILED, f"{text}; {first.service}: {first.count}x {first.example}")
