"""Whether what is on a host is the release before or the one that is made: nothing else may be taken back."""

from __future__ import annotations

from schedgen_ops.deploy.site import Site
from schedgen_ops.rollout.plan import INGRESS


def strange(site: Site, current: str) -> str:
    """What is neither, after the lock was lost for a while; "" for nothing.

    Args:
        current: the release that is said to serve now.
    """
    known = {release.id for release in (site.old, site.new) if release}
    if current not in known | {site.seen.shelf.current}:
        return f"{current or 'no release'} is said to serve now, which this run knows nothing of"
    seen = {box.id for box in site.seen.containers}
    site.containers_changed()
    others = [
        f"{box.name} of {box.release or 'no release'}"
        for box in site.containers()
        if box.id not in seen and box.release not in known and box.service != INGRESS
    ]
    return f"containers run that this run knows nothing of: {', '.join(others)}" if others else ""
