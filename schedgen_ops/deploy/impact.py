"""What visitors may notice of a run, from what serves as it begins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.plan import INGRESS
from schedgen_ops.rollout.strategies import registry

NONE = "None (zero-downtime)"


def impact(sites: Iterable[HostRun]) -> str:
    """Return the expected impact in words, as the team is told it when a run begins."""
    each = tuple(sites)
    if not any(site.seen.containers for site in each):
        return "None, nothing runs here yet"
    if first := [site.remote.name for site in each if _is_first(site)]:
        return f"A short gap on {', '.join(first)}: the first run there puts the ingress before the services"
    stopped = sorted({name for site in each for name in _stopped_first(site)})
    return f"{NONE}; a short gap of {', '.join(stopped)} where they changed" if stopped else NONE


def _is_first(site: HostRun) -> bool:
    running = {box.service for box in site.seen.containers}
    return bool(running) and site.seen.shelf.serving is None and INGRESS not in running


def _stopped_first(site: HostRun) -> Iterator[str]:
    serving = site.seen.shelf.serving
    if serving is None:
        return
    touched = {name for _, names in scope.parts(site.settings, serving.services) for name in names}
    for name, record in serving.services.items():
        how = registry.of(record)
        if name in touched and not how.beside and not how.kept:
            yield name
