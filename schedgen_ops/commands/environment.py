"""Which variables have a value, as Compose itself reads the env file. No value leaves the host."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schedgen_ops.commands.compose import Compose
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SERVICE = "variables"


@dataclass(frozen=True, slots=True)
class Variables:
    """What Compose says of variables.

    Attributes:
        here: those that have a value for what is run from here.
        alone: those that the env file gives one, whatever the shell's own environment has.
        own: the names of what the shell has, which goes before the env file.
        refused: why Compose does not take the file, "" if it does.
    """

    here: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    refused: str = ""


def variables(compose: Compose, env_file: str, names: Iterable[str]) -> Command:
    """Which of `names` the env file gives a value; run it in the project's directory."""
    labels = {name: f"${{{name}:+set}}" for name in names if _NAME.match(name)}
    model = {"services": {_SERVICE: {"image": _SERVICE, "labels": labels}}}
    return host_script(
        "environment/variables",
        title=f"read the names in {env_file}",
        compose=compose.program,
        model=json.dumps(model),
        file=env_file,
    )


def parse_variables(stdout: str) -> Variables:
    """Reads the answer of `variables`.

    Raises:
        ValueError: where it says something else.
    """
    lines = dict(line.partition(" ")[::2] for line in stdout.split("\n"))
    if "refused" in lines:
        return Variables(refused=lines["refused"])
    if "here" not in lines:
        raise ValueError(f"Compose said nothing of variables: {stdout!r}")
    own = frozenset(lines.get("own", "").split())
    return Variables(_set(lines["here"]), _set(lines.get("alone", "")), own)


def _set(document: str) -> frozenset[str]:
    if not document:
        return frozenset()
    labels: Collection[tuple[str, str]] = json.loads(document)["services"][_SERVICE].get("labels", {}).items()
    return frozenset(name for name, value in labels if value == "set")
