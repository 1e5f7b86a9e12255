"""A line of a container's log as a value: when, whose, how grave, and what it says. Pure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from schedgen_ops.masking import veiled
from schedgen_ops.watch import log_lines

LEVELS = ("debug", "info", "warning", "error")
_LEVEL_KEYS = ("level", "lvl", "severity", "levelname", "log.level", "loglevel")
_TEXT_KEYS = ("msg", "message", "event")
_TIME_KEYS = ("time", "ts", "timestamp", "@timestamp", "datetime")
_NAMES = {
    **dict.fromkeys(("trace", "debug", "verbose", "silly", "dbug"), "debug"),
    **dict.fromkeys(("info", "information", "notice", "log", "http"), "info"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("error", "err", "fatal", "critical", "crit", "panic", "severe", "alert"), "error"),
    **dict.fromkeys(("emerg", "emergency"), "error"),
}
_DEBUG = re.compile(r"""\b(?:DEBUG|TRACE|dbug)\b|(?:level|lvl|severity)["']?[=:]\s*["']?(?:debug|trace)""")
# One of these is in every text that `_DEBUG` matches: to look for them first costs a fraction of it.
_MAY_BE_DEBUG = ("DEBUG", "TRACE", "dbug", "level", "lvl", "severity")
_HEAD = 80


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log.

    Attributes:
        at: nanoseconds since the epoch, by the host's clock.
        container: its name.
        level: one of `LEVELS`.
        text: what it says, secrets masked; it may hold control characters.
    """

    at: int
    host: str
    service: str
    container: str
    level: str
    text: str


def read(at: str, host: str, service: str, container: str, said: str) -> LogLine:
    """Return a line as the engine tells it.

    Args:
        at: RFC 3339 with nine digits behind the second.

    Raises:
        ValueError: where `at` is no time.
    """
    level, text = _told(said)
    return LogLine(stamp(at), host, service, container, level, veiled(text))


def stamp(text: str) -> int:
    """Return a time that Docker writes as nanoseconds since the epoch.

    Raises:
        ValueError: for anything else.
    """
    whole, dot, rest = text[:19], text[19:20], text[20:]
    digits = rest[:9]
    if dot != "." or not digits.isdecimal():
        raise ValueError(f"no time of a log: {text[:40]!r}")
    return _seconds(whole, rest[9:]) * 1_000_000_000 + int(digits)


@lru_cache(64)
def _seconds(whole: str, zone: str) -> int:
    return int(datetime.fromisoformat(f"{whole}{zone}").timestamp())


def at_least(line: LogLine, level: str) -> bool:
    """Return whether a line is as grave as `level`, one of `LEVELS`."""
    return LEVELS.index(line.level) >= LEVELS.index(level)


def level_named(text: str) -> str:
    """Return the level that a person means.

    Raises:
        ValueError: where there is none of that name.
    """
    try:
        return _NAMES[text.lower()]
    except KeyError:
        raise ValueError(f"no level {text!r}: there are {', '.join(LEVELS)}") from None


def _told(said: str) -> tuple[str, str]:
    """The level, and the words: of a JSON object its message, and the other fields behind it."""
    if said.startswith("{") and said.endswith("}"):
        try:
            fields = json.loads(said)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            return _level_of(fields, said), _words_of(fields)
    return _level_in(said), said


def _level_of(fields: dict[str, Any], said: str) -> str:
    for key in _LEVEL_KEYS:
        value = fields.get(key)
        if isinstance(value, float) and not math.isfinite(value):
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _of_number(value)
        if isinstance(value, str) and value.lower() in _NAMES:
            return _NAMES[value.lower()]
    return _level_in(said)


def _of_number(value: float) -> str:
    """The level of a number as pino and bunyan have them: 10 trace, 20 debug, 30 info, 40 warn, 50 error."""
    return LEVELS[max(0, min(3, int(value) // 10 - 2))]


def _level_in(text: str) -> str:
    found = log_lines.level(text)
    if not found:
        head = text[:_HEAD]
        may = any(word in head for word in _MAY_BE_DEBUG)
        return "debug" if may and _DEBUG.search(head) else "info"
    return found


def _words_of(fields: dict[str, Any]) -> str:
    message = next((key for key in _TEXT_KEYS if isinstance(fields.get(key), str)), "")
    named = next((key for key in _LEVEL_KEYS if key in fields), "")
    left = {key: value for key, value in fields.items() if key not in (message, named, *_TIME_KEYS)}
    words = (f"{key}={_word(value)}" for key, value in left.items())
    return " ".join(filter(None, (fields.get(message, ""), *words)))


def _word(value: Any) -> str:
    if isinstance(value, str) and value and not re.search(r"[\s\"=]", value):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
