"""The env file as text that Compose reads exactly as it was meant. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.settings import Settings
from schedgen_ops.settings.secrets import filled
from schedgen_ops.shell import Secret

_HEAD = "# Rendered by `inv deploy` and `inv secrets.push`: changes made here are told of, and replaced.\n"
# What has a meaning between the double quotes of an env file; a line break would end a line of it.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The variables that are delivered, all of them as secret as the most secret one."""

    values: Mapping[str, Secret]

    @property
    def text(self) -> str:
        """The whole file, for the wire only."""
        lines = (f"{name}={quoted(value.reveal())}\n" for name, value in sorted(self.values.items()))
        return _HEAD + "".join(lines)

    def digests(self, salt: str) -> dict[str, str]:
        """Return what a host answers for each value under this salt, see `secrets/look.bash`."""
        return {name: digest(salt, name, value.reveal()) for name, value in self.values.items()}


def quoted(value: str) -> str:
    """Return a value as it stands behind the `=` of an env file.

    Raises:
        ValueError: for a NUL byte, which no environment can hold.
    """
    if "\0" in value:
        raise ValueError("an env file cannot hold a NUL byte")
    return f'"{value.translate(_ESCAPES)}"'


def rendered(settings: Settings, secrets: Mapping[str, Secret]) -> EnvFile:
    """Return the env file of an environment.

    Args:
        secrets: what the command of each secret printed.
    """
    known = {name: secret.reveal() for name, secret in secrets.items()}
    plain = {name: Secret(filled(text, known)) for name, text in settings.variables.items()}
    return EnvFile({**secrets, **plain})


def digest(salt: str, name: str, value: str) -> str:
    """Return what tells two values of a variable apart, and nothing else of them.

    Args:
        salt: hexadecimal digits, random for each look at a host.
    """
    return hashlib.sha256(f"{salt}\0{name}\0{value}".encode()).hexdigest()
