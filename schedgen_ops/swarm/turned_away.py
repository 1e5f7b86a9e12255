"""Visitors turned away at every node's ingress of a Swarm, and let in again.

The first host notes it before any ingress is told, and forgets it once all of them let visitors in. An
ingress knows of it until it starts anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

from schedgen_ops import events
from schedgen_ops.commands import swarm_page
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.commands.swarm_page import LET_IN, Noted
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK, ContextOf, HostContext
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import NO_INGRESS, TOO_OLD, Closing
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.proxy import chosen
from schedgen_ops.release.paths import Paths, elsewhere
from schedgen_ops.remote import Result
from schedgen_ops.shell import sh
from schedgen_ops.swarm.manager import hosts_of, seen

Routes = Mapping[str, bool]
"""Routes of the ingress, and whether each speaks HTTP."""
_DEADLINE = 180.0
_PAGE = "page "


def note_of(manager: HostContext) -> str:
    """Return the path of the first host's note."""
    return f"{Paths(manager.settings.directory).ingress}/closed"


def silent(nodes: Fleet) -> Mapping[str, Exception]:
    """Return why nodes do not answer, by name."""
    return nodes.each(lambda remote: remote.run(sh("true"), deadline=QUICK)).errors


def close(manager: HostContext, nodes: Fleet, at: ContextOf, closing: Closing, known: Routes) -> None:
    """Turn visitors away at the ingress of each of these nodes, and say what its ports were seen to answer.

    Args:
        nodes: those that answer.
        known: the routes that lead to the services whose visitors are turned away.

    Raises:
        OpsError: where one could not be told, or visitors get something else there: all let them in again.
    """
    noted = Noted(closing.what, closing.services, closing.hold, closing.health)
    manager.run(swarm_page.note(note_of(manager), noted))
    told = tell(nodes, at, closing, known)
    doorless = _doorless(manager, nodes, told)
    done = {name: result for name, result in told.ok.items() if result.ok}
    bad = _failures(told, but=doorless)
    if not done and not bad:
        bad = {manager.name: OpsError("no node has an ingress", hint="`inv doctor` says why.")}
    if bad:
        raise _let_in_again(manager, nodes, at, known, Outcomes(done, bad))
    _say(manager, told)
    _compare(manager, closing, done)


def open_(manager: HostContext, nodes: Fleet, at: ContextOf, known: Routes) -> None:
    """Let visitors in at every node, and say what its ports were seen to answer.

    Raises:
        OpsError: for each node where they are not known to be let in, or get something else then.
    """
    told = tell(nodes, at, None, known)
    _say(manager, told)
    bad, shut = amiss(told), _not_let_in(told)
    _forget(manager, shut)
    error = Outcomes(told.ok, bad).error()
    if error is None:
        return
    error.outcome = _outcome(shut)
    if shut:
        error.hint = (
            "`inv ops.maintenance off` once more, when all answer. What does not come back is taken out of "
            "`hosts` before."
        )
    raise error


def tell(
    nodes: Fleet, at: ContextOf, closing: Closing | None, known: Routes, *, switch: bool = True
) -> Outcomes[Result]:
    """Have nodes' ingresses turn visitors away, or let them in with None, and ask their ports.

    Args:
        switch: whether they are told; else the ports are asked alone.
    """

    def work(host: HostContext) -> Result:
        settings = host.settings
        how = {
            **maintenance.closed(settings, known, closing),
            **maintenance.asked(known),
            "switch": "yes" if switch else "no",
        }
        state = elsewhere(settings.project).state
        command = swarm_page.tell(host.docker, settings.project, chosen(settings).name, state, how)
        return host.run(command, _DEADLINE, check=False)

    return nodes.each(lambda remote: work(at(remote)))


def amiss(told: Outcomes[Result]) -> dict[str, Exception]:
    """Return what went wrong, by node: where no ingress runs no visitor comes."""
    return _failures(told, but=_codes(told, NO_INGRESS))


def _failures(told: Outcomes[Result], but: Collection[str]) -> dict[str, Exception]:
    """Return what went wrong, by node.

    Args:
        but: nodes where that is as it should be.
    """
    bad = {name: _failure(name, result) for name, result in told.ok.items() if not result.ok}
    return {**told.errors, **{name: error for name, error in bad.items() if name not in but}}


def _failure(name: str, result: Result) -> OpsError:
    if result.code == NO_INGRESS:
        return OpsError("the ingress does not run here", host=name, hint="`inv doctor` says why.")
    if result.code == TOO_OLD:
        hint = "A deploy configures it anew."
        return OpsError("the ingress cannot turn visitors away", host=name, hint=hint)
    said = (result.stderr.strip() or f"exit code {result.code}").splitlines()[-1]
    return OpsError(f"visitors are let in, but {said}" if result.code == LET_IN else said, host=name)


def _codes(told: Outcomes[Result], *codes: int) -> list[str]:
    return [name for name, result in told.ok.items() if result.code in codes]


def _not_let_in(told: Outcomes[Result]) -> list[str]:
    """The nodes where visitors may be turned away after all were told to let them in."""
    let_in = _codes(told, 0, LET_IN, NO_INGRESS)
    return [name for name in (*told.ok, *told.errors) if name not in let_in]


def _forget(manager: HostContext, shut: Collection[str]) -> None:
    """The note goes once nobody is turned away anywhere."""
    if not shut:
        manager.run(swarm_page.forget(note_of(manager)))


def _let_in_again(
    manager: HostContext, nodes: Fleet, at: ContextOf, known: Routes, came: Outcomes[Result]
) -> OpsError:
    """All or none: who is turned away at one node may come in at another."""
    shut = _not_let_in(tell(nodes, at, None, known))
    _forget(manager, shut)
    error = came.error()
    assert error
    error.outcome = _outcome(shut)
    if shut:
        error.hint = "`inv ops.maintenance off` lets them in, once all nodes answer."
    return error


def _outcome(shut: Collection[str]) -> str:
    if shut:
        return f"visitors of {', '.join(shut)} may still be turned away"
    return "all nodes let visitors in"


def _doorless(manager: HostContext, nodes: Fleet, told: Outcomes[Result]) -> Collection[str]:
    """The nodes without an ingress that are to have none, by the manager's word."""
    without = _codes(told, NO_INGRESS)
    if not without:
        return ()
    try:
        found = seen(manager)
    except OpsError:
        return ()
    tasks = {task.node for each in found.services if each.service == INGRESS for task in each.tasks}
    ids = [node.id for node in found.nodes if node.name not in tasks and node.id not in tasks]
    return hosts_of(nodes.only(without), manager, ids)


def _say(manager: HostContext, told: Outcomes[Result]) -> None:
    for name, result in told.ok.items():
        if result.code == NO_INGRESS:
            manager.say(f"{name}: no ingress runs, and no visitor comes in")
        elif result.ok:
            lines = [line for line in result.lines() if not line.startswith(_PAGE)]
            for text in maintenance.told(lines):
                manager.say(f"{name}: {text}")


def _compare(manager: HostContext, closing: Closing, done: Mapping[str, Result]) -> None:
    """The page is in the ingress since the last deploy."""
    own = _PAGE + sha256(closing.page).hexdigest()
    if any(line.startswith(_PAGE) and line != own for each in done.values() for line in each.lines()):
        text = "Visitors get the page of the last deploy, which is another than the config has now"
        events.warn(manager.emit, f"{text}: the next deploy brings it")
