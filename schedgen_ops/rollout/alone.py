"""A script alone on the services that it works on, which ends what it began whoever still listens. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schedgen_ops.host_scripts import host_script, program
from schedgen_ops.shell import Command, Value


def alone(name: str, state: str, services: Sequence[str], /, *, title: str, **values: Value) -> Command:
    """Build a script that works alone on `services`, and goes on when the connection dies.

    Args:
        name: the script's path below host_scripts/, without the ending; `values` are its own.
        state: the path of the folder of our state.

    Raises:
        TypeError: where `values` are not those that the script says it is given.
    """
    runner = host_script("rollout/alone", state=state, services=services, body=program(name, **values))
    return replace(runner.named(f"{title} {', '.join(services)}"), script=name, values=tuple(values.items()))
