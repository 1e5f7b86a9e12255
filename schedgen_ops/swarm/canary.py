"""The canary of a guarded deploy on a Swarm: begun beside what serves, and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext

from schedgen_ops import events
from schedgen_ops.commands import files
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.orchestrators.swarm import canary
from schedgen_ops.orchestrators.swarm.canary import Canary
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.grouping import needed_by
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.steps import Step
from schedgen_ops.swarm import guests, rolling
from schedgen_ops.swarm.manager import folder
from schedgen_ops.swarm.session import SwarmSession
from schedgen_ops.text import plural


def beginning(session: SwarmSession) -> Step:
    """Return the step that starts canaries beside what serves; no visitor comes to them yet."""
    return Step("", "Canary", lambda: begin(session), undo=undoing(session))


def ending(session: SwarmSession) -> Step:
    """Return the step that takes canaries away, once their services are the new release's."""
    return Step("", "Taking the canary away", lambda: away(session), undo=undoing(session))


def _kept_away(session: SwarmSession) -> AbstractContextManager[None]:
    """Visitors who are turned away stay so while the ingress of before comes back, where it was touched."""
    if any(INGRESS in host_run.touched for host_run in session.host_runs):
        return session.ingresses.replaced(session.at_work.old)
    return nullcontext()


def begin(session: SwarmSession) -> None:
    """Replace what the canaries need, start them, and have every ingress see them well.

    Raises:
        OpsError: where one of these does not get well.
    """
    host_run = session.at_work
    chosen = _chosen(host_run)
    if not chosen:
        host_run.warn("Nothing behind the ingress changed: there is no share to begin with")
        return
    before = first(session.settings, host_run.release.services, {each.service for each in chosen})
    session.brought |= {*before}
    rolling.bring(host_run, before)
    where = folder(host_run.paths, host_run.release.id)
    for each in chosen:
        host_run.run(files.replace(f"{where}/{each.name}.json", each.part.text))
    # Before it is begun: whatever becomes of it is taken away.
    session.canaries = chosen
    rolling.roll(host_run, host_run.release, [each.name for each in chosen])
    nodes = guests.join(host_run, session.nodes, session.node, chosen)
    for each in chosen:
        count = plural(each.replicas, "container")
        host_run.say(f"The canary of {each.service} is well: {count}, seen by {', '.join(nodes)}")


def first(settings: Settings, records: Mapping[str, ServiceRecord], canaries: Collection[str]) -> list[str]:
    """Return what is replaced before canaries: what they need, and what tiers before the last of theirs have.

    What needs a service with a canary comes after it.
    """
    needs = {name: record.needs for name, record in records.items()}
    tiers = [tier.services for tier in settings.tiers]
    last = max((at for at, names in enumerate(tiers) if {*names} & {*canaries}), default=0)
    wanted = {*needed_by(canaries, needs)} | {name for names in tiers[:last] for name in names}
    return [
        name
        for name in records
        if name in wanted and name not in canaries and not {*needed_by([name], needs)} & {*canaries}
    ]


def _chosen(host_run: HostRun) -> tuple[Canary, ...]:
    release, found = host_run.release, []
    for name in canary.shared(release, host_run.old):
        path = f"{folder(host_run.paths, release.id)}/{name}.json"
        text = host_run.run(sh("cat", "--", path).kept_private()).stdout
        made = canary.canary(text, name, release.services[name], host_run.settings, release.id)
        if made is None:
            host_run.warn(f"{name} has no canary: it runs on every node, or its name is too long")
        else:
            found.append(made)
    return tuple(found)


def away(session: SwarmSession) -> None:
    """Take the canaries from every ingress, and then end them; nothing where there are none."""
    chosen, host_run = session.canaries, session.at_work
    if not chosen:
        return
    guests.leave(host_run, session.nodes, session.node, routes(chosen))
    guests.end(host_run, [each.name for each in chosen])
    session.canaries = ()
    events.info(session.emit, f"The canary of {', '.join(each.service for each in chosen)} has ended")


def routes(canaries: Collection[Canary]) -> list[str]:
    """Return the ingress's routes that lead to canaries."""
    return [proxy for each in canaries for proxy in each.proxies]


def undoing(session: SwarmSession) -> Callable[[], None]:
    """Return what takes back all that the run touched: each step's, where one before it has not.

    First of all nobody comes to a canary any more. A manager that could not be told is not told again: the
    next run takes it back.
    """
    every = session.undoing(rolling.back)

    def undo() -> None:
        if session.untold:
            raise session.untold
        try:
            if session.host_runs:
                away(session)
        finally:
            try:
                with _kept_away(session):
                    every()
            except rolling.Untold as error:
                session.untold = error
                raise

    return undo
