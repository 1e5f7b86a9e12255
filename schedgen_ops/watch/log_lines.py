"""What a line of a log tells: its level, and whether it is trouble at all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.watch.host_sample import LogGroup

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
# One of these is in every line that the expression matches: most have none, and are spared a slow search.
_MAY_BE_KEYED = ("level", "lvl", "severity")
_MAY_BE_NONE = ("error", "warning", "fail")
_MAY_BE_ERROR = ("err", "fatal", "panic", "critical", "severe", "traceback", "exception")
_MAY_BE_THROWN = ("Error", "Exception")
# Every roll-out makes our own ingress warn of servers that come and go, as they should.
# A level stands at the start of a line, after its time and its source.
_HEAD_WORDS = 8


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


def level(line: str) -> str:
    """error, warning, or "" for a line that tells of no trouble.

    A level that the line names at its start, or as level=..., decides; else words anywhere in it do.
    """
    lower = line.lower()
    if _has(lower, _MAY_BE_KEYED) and (keyed := _KEYED.search(lower)):
        return _LEVELS.get(keyed[1], "")
    for word in _WORD.findall(" ".join(line.split(None, _HEAD_WORDS)[:_HEAD_WORDS])[:80].lower()):
        if word in _LEVELS and word.upper() in line:
            return _LEVELS[word]
    rest = _NONE.sub(" ", lower) if _has(lower, _MAY_BE_NONE) else lower
    if _has(rest, _MAY_BE_ERROR) and _ERROR.search(rest):
        return "error"
    if _has(line, _MAY_BE_THROWN) and _THROWN.search(line):
        return "error"
    return "warning" if "warn" in rest and _WARNING.search(rest) else ""


def _has(text: str, parts: Iterable[str]) -> bool:
    return any(part in text for part in parts)


def judged(groups: Iterable[LogGroup], ignore: Sequence[str]) -> tuple[Group, ...]:
    """The groups that tell of trouble, with their levels."""
    skip = [re.compile(pattern) for pattern in ignore]
    kept = (group for group in groups if not any(pattern.search(group.example) for pattern in skip))
    found = (Group(g.service, level(g.example), g.count, g.pattern, g.example) for g in kept)
    return tuple(
        group for group in found if group.level and (group.service, group.level) != (INGRESS, "warning")
    )


def cannot_be_read(unread: Iterable[tuple[str, str]]) -> str:
    """The sentence about services whose logs cannot be read; "" for none."""
    each = [f"{name} (logging driver {driver})" if driver else name for name, driver in unread]
    return f"the logs of {', '.join(each)} cannot be read" if each else ""
