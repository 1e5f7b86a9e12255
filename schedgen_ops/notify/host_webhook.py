"""The address at which hosts tell the team by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops.errors import ConfigError
from schedgen_ops.notify.addresses import address
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Secret


def webhook(settings: Settings, environ: Mapping[str, str], warn: Callable[[str], None]) -> Secret | None:
    """Return the address; None where there is none, of which `warn` is told if one is configured."""
    asked = settings.notify.host_webhook
    if asked is None:
        return None
    try:
        found = address(asked, environ, settings.notify.deadline)
    except ConfigError as error:
        warn(f"hosts cannot tell the team by themselves: {error.message}")
        return None
    url = found.reveal()
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        warn("hosts cannot tell the team by themselves: `notify.host_webhook` gives no address of a webhook")
        return None
    return found
