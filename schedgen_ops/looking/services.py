"""Services that were asked for by name, whatever is looked at of them."""

from __future__ import annotations

from collections.abc import Iterable

from schedgen_ops.errors import ConfigError
from schedgen_ops.settings import Settings


def known_services(wanted: Iterable[str], there: Iterable[str], settings: Settings) -> None:
    """Refuse services that are neither configured nor have a container. Pure.

    Args:
        there: the services of the containers that were found.

    Raises:
        ConfigError: naming those that there are.
    """
    known = {*settings.services, *there}
    if unknown := [name for name in wanted if name not in known]:
        hint = f"There are: {', '.join(sorted(known))}."
        raise ConfigError(f"there is no service {', '.join(unknown)}", hint=hint)
