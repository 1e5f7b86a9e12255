"""What no message shows of a command's output: values it was sent, or read from a configuration. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, cast

from schedgen_ops.shell import Command

T = TypeVar("T")

# Shorter ones are masked where they stand alone: else a PIN of one digit would mask every number.
_SHORT = 4
# So much of a value is masked at the end or the beginning of a line that was cut within it.
_PART = 8
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
# What a program quotes of a configuration: a value behind a name that speaks of a secret. What comes before
# the telling part of a name is not matched: that would cost the square of a long line's length.
_NAMED = re.compile(
    r"""((?:passw|pwd|secret|token|credential|api_?key|access_?key|private_?key)[\w.-]*["']?\s*[:=]\s*)"""
    r"""("[^"]*"?|'[^']*'?|\S+)""",
    re.IGNORECASE,
)
# One of these is in every text that `_NAMED` matches: to look for them first costs a fraction of it.
_TELLING = ("passw", "pwd", "secret", "token", "credential", "key")


def mask(command: Command, text: str) -> str:
    """Return `text` with the values of the command's secrets, and each line of such a value, as ***."""
    values = {form for _name, secret in command.secrets for form in _forms(secret.reveal())}
    return _IN_URL.sub(r"\1***@", _without(values, text))


@dataclass(slots=True)
class Veil:
    """The secret values that a run knows of; nothing that it tells shows one."""

    _values: tuple[str, ...] = field(default=())

    def learn(self, values: Iterable[str]) -> None:
        """Add values that are shown nowhere from now on."""
        forms = {form for value in values for form in _forms(value)}
        self._values = tuple(sorted({*self._values, *forms}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """Return a text with *** for each value, also for one that the text's begin or end cuts."""
        if not self._values:
            return text
        lines = _without(self._values, text).split("\n")
        return "\n".join(map(self._cut, lines))

    def _cut(self, line: str) -> str:
        for value in self._values:
            if len(value) <= _PART:
                break
            at = line.rfind(value[:_PART])
            if at >= 0 and value.startswith(line[at:]):
                line = line[:at] + "***"
            end = line.find(value[-_PART:]) + _PART
            if end >= _PART and value.endswith(line[:end]):
                line = "***" + line[end:]
        return line

    def over(self, thing: T) -> T:
        """Return a value, an event or a table for example, with its texts veiled."""
        return cast("T", self._over(thing)) if self._values else thing

    def _over(self, thing: Any) -> Any:
        if isinstance(thing, Enum):  # A word of ours, which may be compared by identity.
            return thing
        if isinstance(thing, str):
            return self.text(thing)
        if isinstance(thing, tuple | list):
            return type(thing)(map(self._over, thing))
        if isinstance(thing, Mapping):
            return {self._over(key): self._over(value) for key, value in thing.items()}
        if is_dataclass(thing) and not isinstance(thing, type):
            names = [each.name for each in fields(thing) if each.init]
            return replace(thing, **{name: self._over(getattr(thing, name)) for name in names})
        return thing


def _without(values: Iterable[str], text: str) -> str:
    # The longest first: one may be a part of another.
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORT:
            text = text.replace(value, "***")
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", "***", text)
    return text


def veiled(text: str) -> str:
    """Return what a program says of a configuration that it could not read, without values that it quotes."""
    if "://" in text:
        text = _IN_URL.sub(r"\1***@", text)
    return _NAMED.sub(r"\1***", text) if _may_name(text) else text


def _may_name(text: str) -> bool:
    # Beyond ASCII a letter may equal another one that `lower` does not make of it.
    lower = text.lower()
    return not text.isascii() or any(word in lower for word in _TELLING)


def _forms(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORT}
    return {form for form in (value, value.strip(), json.dumps(value)[1:-1], *lines) if form}
