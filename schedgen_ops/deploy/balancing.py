"""A host of a run taken out of its load balancer and put back; and what a killed run left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from schedgen_ops import events
from schedgen_ops.balancer.run import LoadBalancer
from schedgen_ops.deploy import recovery
from schedgen_ops.deploy.host_run import HostRun, Share
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.proxy.routes import by_name, parts
from schedgen_ops.release.record import Release
from schedgen_ops.rollout import scope
from schedgen_ops.verify.serving import wrong

Do = Callable[[Share, set[str]], None]
"""Does something on the hosts of these names."""


def take_out(balancer: LoadBalancer | None, host_run: HostRun, *, must: bool = True) -> None:
    """Take a host out before its services are touched; one where nothing runs yet is not in.

    Args:
        must: whether it may not be touched else; what goes home is, and the operator is told.

    Raises:
        OpsError: where it could not be taken out, with `must`; or is out of reach.
    """
    if balancer is None or host_run.seen.blank:
        return
    try:
        balancer.take_out(host_run.context, ports(host_run))
    except ConnectionLost:
        raise
    except OpsError as error:
        if must:
            raise
        host_run.warn(f"Its services are put back while it is in the load balancer: {error.message}")


def put_back(balancer: LoadBalancer | None, host_run: HostRun, *, wait: bool = True) -> None:
    """Put a host back that was taken out; see `LoadBalancer.put_back`.

    Raises:
        OpsError: where it could not be; the operator was told what to do.
    """
    if balancer is None:
        return
    try:
        balancer.put_back(host_run.context, ports(host_run), wait=wait)
    except OpsError as error:
        stays_out(balancer, host_run, str(error.message))
        raise


def tried_back(balancer: LoadBalancer | None, host_run: HostRun, *, wait: bool = True) -> None:
    """Put a host back; where that fails the operator was told, and the run goes on."""
    try:
        put_back(balancer, host_run, wait=wait)
    except ConnectionLost:
        raise
    except OpsError:
        return


def stays_out(balancer: LoadBalancer | None, host_run: HostRun, why: str) -> None:
    """Tell the operator that a host stays out, and what puts it back; nothing of one that is in."""
    if balancer is not None and host_run.remote.name in balancer.out:
        text = f"It stays out of the load balancer: {why}. {balancer.by_hand(host_run.context)}"
        events.error(host_run.context.emit, text, host_run.remote.name)


def ports(host_run: HostRun) -> tuple[str, ...]:
    """Return the ports of the ingress at which a load balancer may ask for the health of the host."""
    section = host_run.settings.balancer
    of = section.service if section else None
    known = (host_run.seen.shelf.serving, host_run.old, host_run.new)
    found = (route for release in known if release for route in _routes(release, of))
    return tuple(dict.fromkeys(parts(route)[1] for route in found))


def _routes(release: Release, of: str | None) -> Iterable[str]:
    return (
        route
        for name, record in release.services.items()
        if of in (None, name)
        for route in record.proxies
        if route not in record.raw and not by_name(route)
    )


def recover(
    balancer: LoadBalancer | None, host_runs: Sequence[HostRun], do: Do, batches: Sequence[Iterable[str]]
) -> None:
    """Take back what an interrupted run left, on hosts that are out of the load balancer meanwhile.

    A host that such a run left out is put back once what serves there passes its checks.
    """
    names = {host_run.remote.name for host_run in host_runs}
    if balancer is None:
        do(recovery.recover, names)
        return
    do(lambda host_run: _noted(balancer, host_run), names)
    balancer.absent |= {host_run.remote.name for host_run in host_runs if host_run.seen.blank}
    touched = any(host_run.seen.shelf.unfinished for host_run in host_runs)
    for batch in batches if touched else (names,):
        do(lambda host_run: _recover(balancer, host_run), {*batch} & names)


def _noted(balancer: LoadBalancer, host_run: HostRun) -> None:
    if balancer.look(host_run.context):
        host_run.warn("An earlier run left it out of the load balancer")


def _recover(balancer: LoadBalancer, host_run: HostRun) -> None:
    if host_run.seen.shelf.unfinished:
        take_out(balancer, host_run, must=False)
    recovery.recover(host_run)
    if host_run.remote.name not in balancer.out:
        return
    serving = host_run.seen.shelf.serving
    bad = wrong(host_run.context, scope.lasting(serving.services)) if serving else ()
    if bad:
        stays_out(balancer, host_run, f"{bad[0].check}: {bad[0].text}")
        return
    tried_back(balancer, host_run)
    if host_run.remote.name not in balancer.out:
        host_run.righted = host_run.righted or "it was put back into the load balancer"
