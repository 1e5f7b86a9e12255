"""A plan's operations performed on a host over SSH, and what the operator is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.fleet import at_once
from schedgen_ops.host_context import QUICK
from schedgen_ops.proxy.routes import by_name, parts
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import run as roller
from schedgen_ops.rollout.operations import (
    Bring,
    Keep,
    Moves,
    Name,
    Operation,
    Plan,
    Remove,
    Retire,
    Revert,
    SetIngress,
    Unless,
    Untag,
    ends,
)
from schedgen_ops.rollout.reach import CutOff, Join
from schedgen_ops.rollout.work_tree import CheckOut, GoBack

# Seconds that the code may take, and that of submodules with it.
_LONG = 300.0


@dataclass(frozen=True, slots=True)
class _Started:
    """A service that was started: its seconds, and since when new containers get all that comes."""

    service: str
    release_id: ReleaseId
    seconds: float
    answering: float


def perform(host_run: HostRun, plan: Plan) -> None:
    """Perform a plan on a host: a group's operations at once, group after group.

    Raises:
        OpsError: for the first operation of a group that failed; no further group is begun.
    """
    services = {
        operation.new.service for group in plan for operation in group if isinstance(operation, Moves)
    }
    grace = {name: host_run.grace(name) for name in services}
    for group in plan:
        try:
            came = at_once([partial(_perform, host_run, operation, grace) for operation in group])
        finally:
            if any(isinstance(operation, Moves) for operation in group):
                host_run.containers_changed()
        _note(host_run, [each for each in came if each])
    _confirm(host_run, [each for group in plan for each in group if isinstance(each, Bring)])


def _confirm(host_run: HostRun, brought: Sequence[Bring]) -> None:
    """Wait for the engine to call healthy what began to serve as soon as its healthcheck passed."""
    waits = []
    for operation in (each for each in brought if each.how.beside):
        new = operation.new
        ours = [
            box
            for box in host_run.containers()
            if (box.service, box.release) == (new.service, new.release_id)
        ]
        if starting := [box.id for box in ours if box.health == "starting"]:
            given = (host_run.remote, host_run.commands, operation, starting, host_run.show)
            waits.append(partial(roller.confirm, *given))
    if waits:
        try:
            at_once(waits)
        finally:
            host_run.containers_changed()


def _perform(host_run: HostRun, operation: Operation, grace: Mapping[str, float]) -> _Started | None:
    commands = host_run.commands
    match operation:
        case Keep(change):
            host_run.say(f"Service {change.service} unchanged, left as it is")
        case Bring(new=new):
            return _start(host_run, operation, grace[new.service])
        case Revert(new=new):
            if roller.end(host_run.remote, commands, operation, host_run.warn, grace[new.service]):
                host_run.say(f"Service {new.service}: the containers it had serve again")
        case CutOff():
            roller.cut_off(host_run.remote, commands, operation, host_run.warn)
        case Join(new=new):
            host_run.run(commands(operation), deadline=_LONG)
        case Retire(new=new):
            roller.end(host_run.remote, commands, operation, host_run.warn, grace[new.service])
        case Remove(new=new):
            roller.remove(host_run.remote, commands, operation, grace[new.service])
            job = f"Job {new.service}: what the release had of it is removed"
            host_run.say(job if ends(new) else f"Service {new.service} was new, and is removed")
        case SetIngress():
            _set_ingress(host_run, operation)
        case Name():
            # With the record of the release that is made, where that is done with it.
            record = (
                host_run.new
                if host_run.new and host_run.new.good and host_run.new.id == operation.release_id
                else None
            )
            host_run.run(commands.name(operation, record), deadline=900 + QUICK)
        case CheckOut() | GoBack() | Untag() | Unless():
            host_run.run(commands(operation), deadline=_LONG)
        case _ as never:
            assert_never(never)
    return None


def _start(host_run: HostRun, operation: Bring, grace: float) -> _Started:
    new, show = operation.new, host_run.show
    done = f"is back at release {new.release_id}"
    if _ours(host_run, new.release_id):
        show(f"{new.service}: {operation.change.reason}")
        host_run.touched.append(new.service)
        done = ""
    seconds = roller.start(host_run.remote, host_run.commands, operation, show, grace)
    if operation.how.ends:
        host_run.say(f"Job {new.service} ended well ({seconds:.1f}s)")
    else:
        host_run.say(f"Service {new.service} {done or f'updated successfully ({seconds:.1f}s)'}")
    return _Started(new.service, new.release_id, round(seconds, 1), host_run.clock.monotonic())


def _note(host_run: HostRun, started: list[_Started]) -> None:
    """Keeps how long it took in the record of the release that is made."""
    host_run.answering = max([host_run.answering, *(each.answering for each in started)])
    mine = [each for each in started if _ours(host_run, each.release_id)]
    if mine:
        records = host_run.release.services
        timed = {each.service: replace(records[each.service], seconds=each.seconds) for each in mine}
        host_run.new = replace(host_run.release, services={**records, **timed})


def _ours(host_run: HostRun, release_id: ReleaseId) -> bool:
    return host_run.new is not None and host_run.new.id == release_id


def _set_ingress(host_run: HostRun, operation: SetIngress) -> None:
    names = [each.service for each in operation.behind]
    if operation.first:
        host_run.say("The published ports change hands once: " + ", ".join(sorted(names)))
    done = roller.IngressSet()
    try:
        done = roller.set_ingress(host_run.remote, host_run.commands, operation, host_run.grace(*names))
    finally:
        if done.gap is not None:
            host_run.containers_changed()
    if done.gap or done.led:
        how = (
            "has the ports now" if operation.first else "was exchanged for another one, and the ports with it"
        )
        host_run.say(f"The ingress {how}; {done.meanwhile}")
    if _ours(host_run, operation.release_id):
        same = done.gap is None
        told = "is already as this release has it" if same else "has the configuration of this release"
        host_run.say(f"The ingress {told}")
        for name in (name for each in operation.behind for name in each.record.raw):
            service, port = parts(name)
            why = "The config says so of" if by_name(name) else "No HTTP was seen at"
            host_run.say(f"{why} port {port} of {service}: bytes are passed on as they come")
    for text in done.told:
        host_run.warn(text)
