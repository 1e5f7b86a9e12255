"""Services of a stack restarted, stopped, started or scaled by hand: what may be, and what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schedgen_ops.commands import swarm_ops
from schedgen_ops.commands.swarm import STAY, Rolled, Standing
from schedgen_ops.errors import OpsError, Refused, RolledBack
from schedgen_ops.host_context import HostContext
from schedgen_ops.orchestrators.swarm import gate
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.rollout.strategies import registry as strategies
from schedgen_ops.shell import Command
from schedgen_ops.swarm import manager
from schedgen_ops.text import plural

# A container may take so long to end by itself, as far as anybody waits for the answer.
_LONGEST = 1800.0
# More than anybody means.
MOST = 1000
_HINT = "`inv doctor` looks for the cause; `inv logs SERVICE` tells what it wrote."


@dataclass(frozen=True, slots=True)
class Known:
    """The services that there are, as a manager and the records say.

    Attributes:
        there: those that the Swarm has.
        serving: the release that serves; None where nothing was deployed yet.
    """

    there: Mapping[str, Standing] = field(default_factory=dict)
    serving: Release | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, by name."""
        records = self.serving.services if self.serving else {}
        return tuple(sorted({*self.there, *records}))

    def many(self, name: str) -> int:
        """How many containers a service has, is to have, or had."""
        one = self.there.get(name)
        return (one.wanted or one.stopped if one else 0) or self._recorded(name)

    def _recorded(self, name: str) -> int:
        record = self.serving.services.get(name) if self.serving else None
        return record.replicas if record else 1

    def refuse(self, how: str, names: Sequence[str]) -> None:
        """Refuse what cannot be done with a service.

        Raises:
            Refused: for a job; for one on every node, where it is about a number; for one that is not there.
        """
        for name in names:
            one = self.there.get(name)
            if (one and one.ends) or self._is_job(name):
                text = f"{name} is a job, which runs once at every release"
                raise Refused(text, hint="`inv deploy` runs it.")
            if one is None and how != swarm_ops.START:
                raise Refused(f"the Swarm has no service {name}", hint=f"`inv ops.start {name}` makes it.")
            if one and one.mode != "replicated" and how != swarm_ops.RESTART:
                text = f"{name} runs on every node, and has no number: it can be restarted alone"
                raise Refused(text, hint="`inv hosts.drain NODE` takes the work of a node away.")
            if one and one.stopped and how == swarm_ops.RESTART:
                raise Refused(f"{name} is stopped", hint=f"`inv ops.start {name}` starts it.")

    def _is_job(self, name: str) -> bool:
        record = self.serving.services.get(name) if self.serving else None
        return record is not None and strategies.of(record).ends

    def may_have(self, name: str, count: int) -> None:
        """Refuse a number of containers that a service cannot have.

        Raises:
            Refused: where two of it would be two different ones, or the ingress has no room for so many.
        """
        record = self.serving.services.get(name) if self.serving else None
        if record is None:
            text = f"no release of ours serves {name} here, and only those can be scaled"
            raise Refused(text, hint="`inv deploy` makes one.")
        if not strategies.of(record).beside or self.there[name].pinned:
            text = f"{name} may have state, or belongs to one node: two of it would be two different ones"
            raise Refused(text, hint="`rollout.start_first` or `rollout.ingress` says otherwise.")
        # One more comes beside them while they are replaced.
        most = gate.places(record.replicas) - 2 if record.proxies else MOST
        if count > most:
            text = f"the ingress has room for {most} containers of {name}"
            hint = f"`deploy.replicas: {count}` in the compose file, and `inv deploy`, give it more."
            raise Refused(text, hint=hint)


def known(host: HostContext) -> Known:
    """Return the services that there are.

    Args:
        host: the manager.
    """
    paths = Paths(host.settings.directory)
    shelf = store.known(host.remote, paths)
    return Known({each.service: each for each in manager.seen(host).services}, shelf.serving)


def restart(host: HostContext, found: Known, names: Sequence[str]) -> None:
    """Restart services one after the other; done once each was seen well.

    Raises:
        OpsError: where one does not become well.
    """
    for name in names:
        many = found.many(name)
        _do(host, swarm_ops.RESTART, {name: many}, f"{name} was restarted and is not well")
        host.say(f"{name} restarted: {plural(many, 'container')} seen well")


def stop(host: HostContext, found: Known, names: Sequence[str]) -> None:
    """Stop services; the Swarm keeps how many containers each had.

    Raises:
        OpsError: where one still runs when its time is over.
    """
    _do(host, swarm_ops.STOP, {name: found.many(name) for name in names}, "not all of it is stopped")
    for name in names:
        many = plural(found.many(name), "container")
        text = f"{name} is stopped: `inv ops.start {name}` starts it, with {many}"
        host.say(f"{text}; a deploy or a rollback does too")


def start(host: HostContext, found: Known, names: Sequence[str]) -> None:
    """Start what is stopped, with as many containers as it had, or is not there; done once all was seen well.

    Raises:
        OpsError: where one does not become well.
    """
    if new := [name for name in names if name not in found.there]:
        assert found.serving
        folder = manager.folder(Paths(host.settings.directory), found.serving.id)
        limit = host.settings.health.deadline * max(found.many(name) for name in new)
        command = manager.commands(host).roll(folder, new, limit, STAY)
        _run(host, command, limit, f"{', '.join(new)} was started and is not well")
    counts = {name: found.many(name) for name in names if name not in new}
    if counts:
        _do(host, swarm_ops.START, counts, f"{', '.join(counts)} started and not well")
    for name in names:
        host.say(f"{name} started: {plural(found.many(name), 'container')} seen well")


def scale(host: HostContext, found: Known, name: str, count: int) -> None:
    """Bring a service to another number of containers, and say what a deploy makes of it.

    Raises:
        OpsError: where new ones do not become well: then as many as before are to run again.
    """
    assert found.serving
    _do(host, swarm_ops.SCALE, {name: count}, f"{name} was not scaled")
    host.say(f"{name} has {plural(count, 'container')}")
    record = found.serving.services[name]
    if record.counted:
        if count != record.replicas:
            text = f"a deploy or a rollback makes {record.replicas} of {name} again, as its compose file says"
            host.warn(f"{text}: write `deploy.replicas: {count}` there to keep them")
        return
    # What goes back to the release that serves now goes back to so many.
    folder = manager.folder(Paths(host.settings.directory), found.serving.id)
    host.run(swarm_ops.number(folder, {name: count}))
    host.say("a deploy keeps that number: the compose file says none")


def _do(host: HostContext, how: str, counts: Mapping[str, int], failed: str) -> None:
    settings = host.settings
    limit = settings.health.deadline * max(1, *counts.values())
    _run(host, swarm_ops.change(host.docker, settings.project, how, counts, limit), limit, failed)


def _run(host: HostContext, command: Command, limit: int, failed: str) -> None:
    """Have a manager do it, tell what it tells meanwhile, and raise what the Swarm says of one in trouble."""
    rolled, error = manager.brought(host, command, limit + _LONGEST)
    if error is None:
        return
    if bad := [each for each in rolled if not each.well]:
        raise _trouble(host, bad, failed) from error
    raise error


def _trouble(host: HostContext, bad: Sequence[Rolled], failed: str) -> OpsError:
    """What is in trouble and goes on serving is no emergency; that it does is asked, and not assumed."""
    first = next((each for each in bad if each.how == "bad"), bad[0])
    now = {each.service: each for each in manager.seen(host).services}
    detail = "\n".join(f"{each.service}: {each.text}" for each in bad)
    text = f"{failed}: {first.text}"
    if not all(each.service in now and now[each.service].running for each in bad):
        return OpsError(text, host=host.name, detail=detail, hint=_HINT)
    error = RolledBack(text, host=host.name, detail=detail, hint=_HINT)
    error.outcome = "; ".join(f"{each.service}: {_runs(now[each.service])}" for each in bad)
    return error


def _runs(one: Standing) -> str:
    return f"{one.running} of {one.wanted} containers run"
