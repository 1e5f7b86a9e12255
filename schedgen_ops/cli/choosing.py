"""The hosts that a task works on, of those that were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from schedgen_ops.errors import ConfigError
from schedgen_ops.fleet import Fleet
from schedgen_ops.settings import HostSettings
from schedgen_ops.task_run import Operation


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without blanks around them.

    Raises:
        ConfigError: for an empty one, as of a shell variable that is not set; it must never come to mean all.
    """
    found = tuple(name.strip() for name in names)
    if "" in found:
        raise ConfigError("a service has a name, not ''", hint="Nothing was changed.")
    return found


def given(option: str, value: str | None) -> str:
    """Return the value of an option; "" where it was left out.

    Raises:
        ConfigError: for an empty one, as of a shell variable that is not set; it must never mean the last.
    """
    if value == "":
        raise ConfigError(f"{option} has a value, not ''", hint="Nothing was changed.")
    return value or ""


def among(op: Operation, hosts: Iterable[HostSettings], what: str) -> Fleet:
    """Return the chosen ones of these hosts; none of them is no success.

    Args:
        what: what only these do, as "migrations start".

    Raises:
        ConfigError: where no host is left.
    """
    names = [host.name for host in hosts]
    fleet = op.fleet.only(names)
    if not fleet.hosts:
        hint = f"There are: {', '.join(names) or 'none'}."
        raise ConfigError(f"{what} on no host that was chosen", hint=hint)
    return fleet
