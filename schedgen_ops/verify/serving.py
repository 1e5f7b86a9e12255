"""Whether what is said to serve does: asked after all that was taken back, and after every recovery."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.verify import run
from schedgen_ops.watch import rules


def wrong(host: HostContext, known: Collection[str] | None = None) -> tuple[rules.Finding, ...]:
    """Return the quick checks of a host that do not pass; what is unknown does not.

    Args:
        known: the services that there are to be; None for all that are configured.
    """
    settings = host.settings
    absent = [name for name in settings.services if known is not None and name not in known]
    names = {f"service {name}" for name in absent}
    urls = {f"{check.name} {check.url}" for check in settings.checks if check.service in absent}
    found = rules.failed(run.patiently(host))
    gone = _gone(host, known) if known and not settings.tiers else ()
    return (*gone, *(finding for finding in found if finding.check not in names | urls))


def _gone(host: HostContext, known: Collection[str]) -> tuple[rules.Finding, ...]:
    """Those of `known` that have no container: without tiers the checks look at what is there alone."""
    listing = host.run(host.docker.containers(host.settings.project), run.DEADLINE)
    there = {container.service for container in parse_containers(listing.stdout)}
    verdict = rules.CheckVerdict.FAILED
    return tuple(
        rules.Finding(f"service {name}", verdict, "has no container") for name in known if name not in there
    )


def prove(fleet: Fleet, context_of: ContextOf, known: Mapping[str, Collection[str]] | None = None) -> None:
    """Make sure that every host passes its quick checks.

    Args:
        known: the services that there are to be, by host; a host that is left out is not asked.

    Raises:
        OpsError: naming every check that did not pass; or what kept a host from being asked.
    """
    asked = fleet if known is None else fleet.only([name for name in fleet.names if name in known])
    if not len(asked):
        return
    found = asked.each(
        lambda remote: wrong(context_of(remote), None if known is None else known[remote.name])
    ).values()
    bad = [(host, each) for host, part in zip(asked.names, found, strict=True) for each in part]
    if bad:
        raise OpsError(
            f"what serves does not pass its checks: {bad[0][1].check} {bad[0][1].text}",
            host=bad[0][0],
            detail="\n".join(f"{host}: {each.check}: {each.text}" for host, each in bad),
            hint="`inv verify.quick` asks again; `inv logs SERVICE` tells why.",
        )
