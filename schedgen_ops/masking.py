"""What no message shows of a command's output: values it was sent, or read from a configuration. Pure."""

from __future__ import annotations

import json
import re

from schedgen_ops.shell import Command

# Shorter ones are masked where they stand alone: else a PIN of one digit would mask every number.
_SHORT = 4
_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
# What a program quotes of a configuration: a value behind a name that speaks of a secret. What comes before
# the telling part of a name is not matched: that would cost the square of a long line's length.
_NAMED = re.compile(
    r"""((?:passw|pwd|secret|token|credential|api_?key|access_?key|private_?key)[\w.-]*["']?\s*[:=]\s*)"""
    r"""("[^"]*"?|'[^']*'?|\S+)""",
    re.IGNORECASE,
)


def mask(command: Command, text: str) -> str:
    """Return `text` with the values of the command's secrets, and each line of such a value, as ***."""
    values = {form for _name, secret in command.secrets for form in _forms(secret.reveal())}
    # The longest first: one may be a part of another.
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORT:
            text = text.replace(value, "***")
        else:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", "***", text)
    return _IN_URL.sub(r"\1***@", text)


def veiled(text: str) -> str:
    """Return what a program says of a configuration that it could not read, without values that it quotes."""
    return _NAMED.sub(r"\1***", _IN_URL.sub(r"\1***@", text))


def _forms(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORT}
    return {form for form in (value, value.strip(), json.dumps(value)[1:-1], *lines) if form}
