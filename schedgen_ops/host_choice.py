"""Which hosts of an environment a run is on: those that were named, without those that are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from schedgen_ops.errors import ConfigError, ConnectionLost, Unreachable

# What a host that is down, or out of reach, comes to; a key that is wrong is no host that is down.
_DOWN = (Unreachable, ConnectionLost)


def chosen(hosts: str | None, skip: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the hosts of a run.

    Args:
        hosts: the text of --hosts, None for all.
        skip: the text of --skip, None for none.
        names: those of the environment.

    Raises:
        ConfigError: for a name that there is not, or where no host is left.
    """
    wanted = names if hosts is None else _named(hosts, names)
    out = () if skip is None else _named(skip, names)
    left = tuple(name for name in wanted if name not in out)
    if not left:
        raise ConfigError("--skip leaves no host", hint=f"There are: {', '.join(wanted)}.")
    return left


def _named(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    # An empty name, as of a shell variable that is not set, must never come to mean all.
    found = tuple(part.strip() for part in text.split(","))
    unknown = [name or repr(name) for name in found if name not in names]
    if unknown:
        raise ConfigError(
            f"no host {', '.join(unknown)} in this environment",
            hint=f"There are: {', '.join(names)}.",
        )
    return found


def down(errors: Mapping[str, Exception], names: Collection[str], needed: Iterable[str]) -> dict[str, str]:
    """Return why hosts are left out that do not answer.

    Args:
        errors: what asking the hosts of a run came to, by name.
        names: all of its hosts.
        needed: those without which nothing can be done: where migrations start, and backups are made.

    Raises:
        Exception: what a host came to that is not down, or is needed, or is the last one.
    """
    for name, error in errors.items():
        if type(error) not in _DOWN or name in needed or len(errors) == len(names):
            raise error
    return {name: str(error) for name, error in errors.items()}
