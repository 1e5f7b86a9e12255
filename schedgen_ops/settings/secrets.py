"""What an env file is rendered from: commands that print secrets, and plain values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.violations import Violation

# What a template may hold: a `$` that stands for itself, or a name.
_PART = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)\}|)")
# Text that Compose cannot hold, or that this machine cannot hand on.
_NUL = "\0"
# What a host's shell has by itself, and Compose prefers to any file; see `keep` of `secrets/look.bash`.
OF_THE_SHELL = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PWD",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "XDG_RUNTIME_DIR",
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY",
    ]
)


def _words(value: Any) -> Any:
    """Split a command that is written as one text; it is run without a shell all the same."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"must be a command whose quotes end: {error}") from None


def _template(value: str) -> str:
    if _NUL in value:
        raise ValueError("must not hold a NUL byte: no env file can")
    for match in _PART.finditer(value):
        if match[0] == "$":
            raise ValueError("must write `$$` for a `$`, or ${NAME} for a secret")
    return value


_WORDS = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
SecretCommand = Annotated[
    t.Argv,
    BeforeValidator(_words),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, _WORDS]}),
]
Template = Annotated[str, AfterValidator(_template)]
Commands = Annotated[Mapping[t.VariableName, SecretCommand], AfterValidator(t.Fixed)]
Variables = Annotated[Mapping[t.VariableName, Template], AfterValidator(t.Fixed)]


class SecretCommands(Section):
    """How the commands of `secrets` are run."""

    deadline: t.Seconds = Field(default=60, description="Seconds that each may take before it is ended.")
    ask: bool = Field(
        default=False,
        description="They may ask on the terminal, for a PIN; then they run one after the other.",
    )


def named(template: str) -> tuple[str, ...]:
    """Return the names that a template takes values of."""
    return tuple(match[2] for match in _PART.finditer(template) if match[2])


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with the values in the place of their names."""
    return _PART.sub(lambda match: values[match[2]] if match[2] else "$", template)


def broken(secrets: Mapping[str, tuple[str, ...]], variables: Mapping[str, str]) -> Iterator[Violation]:
    """Yield where the two sections do not go together, or name what no file decides."""
    for section, names in (("secrets", secrets), ("variables", variables)):
        for name in sorted(OF_THE_SHELL.intersection(names)):
            yield (section, name), f"{name!r} is the host's own: Compose would not take it from the file"
    for name, template in variables.items():
        if name in secrets:
            yield ("variables", name), f"{name!r} is in `secrets` already"
        for other in named(template):
            if other not in secrets:
                yield ("variables", name), f"no secret is called {other!r}"
