"""What visitors may notice of a run, from what serves as it begins. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.strategies import registry

NONE = "None (zero-downtime)"


def impact(host_runs: Iterable[HostRun]) -> str:
    """Return the expected impact in words, as the team is told it when a run begins."""
    each = tuple(host_runs)
    if not any(host_run.seen.containers for host_run in each):
        return "None, nothing runs here yet"
    if first := [host_run.remote.name for host_run in each if _is_first(host_run)]:
        return f"A short gap on {', '.join(first)}: the first run there puts the ingress before the services"
    stopped = sorted({name for host_run in each for name in _stopped_first(host_run)})
    return f"{NONE}; a short gap of {', '.join(stopped)} where they changed" if stopped else NONE


def _is_first(host_run: HostRun) -> bool:
    """Whether the ports change hands, and new connections cannot be led past that."""
    running = {box.service for box in host_run.seen.containers}
    return (
        bool(running and host_run.seen.no_detour)
        and host_run.seen.shelf.serving is None
        and INGRESS not in running
    )


def _stopped_first(host_run: HostRun) -> Iterator[str]:
    serving = host_run.seen.shelf.serving
    if serving is None:
        return
    touched = {name for _, names in scope.parts(host_run.settings, serving.services) for name in names}
    for name, record in serving.services.items():
        how = registry.of(record)
        if name in touched and not (how.beside or how.kept or how.ends):
            yield name
