"""Whether what is on a host is the release before or the one that is made: nothing else may be taken back."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.lock.run import Found, Judge


def judge(host_runs: Sequence[HostRun]) -> Judge:
    """Return a judge of whether a host whose lock was lost has only the release before and this run's."""
    by_name = {host_run.remote.name: host_run for host_run in host_runs}

    def look(found: Found) -> str:
        if found.answer is None or not found.lost:
            return ""
        return strange(by_name[found.host], found.answer.current)

    return look


def strange(host_run: HostRun, current: str) -> str:
    """Return what on a host is neither the release before nor this run's; "" for nothing.

    Args:
        current: the release that is said to serve now.
    """
    known = {release.id for release in (host_run.old, host_run.new) if release}
    if current not in known | {host_run.seen.shelf.current}:
        return f"{current or 'no release'} is said to serve now, which this run knows nothing of"
    seen = {box.id for box in host_run.seen.containers}
    host_run.containers_changed()
    others = [
        f"{box.name} of {box.release or 'no release'}"
        for box in host_run.containers()
        if box.id not in seen and box.release not in known and box.service != INGRESS
    ]
    return f"containers run that this run knows nothing of: {', '.join(others)}" if others else ""
