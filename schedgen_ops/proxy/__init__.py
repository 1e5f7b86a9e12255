"""The proxies that there are, by name, and which of them is the ingress. Pure.

`contract` has what one is in a compose file, `routes` what leads where; what it is asked on a host
is in host_scripts/proxies/, as host_scripts/lib/proxy.bash lists it.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.proxy.contract import Proxy
from schedgen_ops.proxy.haproxy import HAProxy
from schedgen_ops.settings import Settings

__all__ = ["PROXIES", "Proxy", "chosen"]

PROXIES: Mapping[str, Proxy] = {proxy.name: proxy for proxy in (HAProxy(),)}


def chosen(settings: Settings) -> Proxy:
    """Return the proxy that is the ingress of an environment."""
    return PROXIES[settings.ingress.proxy]
