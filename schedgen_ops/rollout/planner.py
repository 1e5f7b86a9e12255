"""The one plan of every way: from what runs, the release before and the release to come, to operations. Pure.

A deploy, a rollback, the way back of both, a recovery, the host's own guard and `deploy.plan` all take their
operations from here. Where an operation may find nothing to do, or nothing to do it with, the way is cut into
legs, and each leg is planned from what is found when it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId
from schedgen_ops.rollout import following
from schedgen_ops.rollout.grouping import Grouping, some, waves
from schedgen_ops.rollout.operations import (
    Keep,
    Name,
    Operation,
    Plan,
    Remove,
    Retire,
    Revert,
    SetIngress,
    Unless,
    Untag,
    again,
    bring,
    ends,
)
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.reach import names_alone
from schedgen_ops.rollout.restarting import restarting
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.versions import Version, version, versions
from schedgen_ops.rollout.work_tree import GoBack

T = TypeVar("T", Revert, Remove)
Found = Sequence[Container]
Leg = Callable[[Found], Plan]
"""A part of a way, planned from the project's containers as they are when it begins."""


def forward(
    services: Iterable[str],
    new: Release,
    old: Release | None,
    found: Found,
    share: int = 100,
    grouped: Grouping = waves,
    foreseen: Mapping[str, str] | None = None,
    replaced: Iterable[str] = (),
) -> Plan:
    """Return the plan that replaces services which differ in `new`; what serves stays until `settled`.

    Args:
        services: in the order in which they come.
        share: percent of the requests that new containers get.
        grouped: which services go together.
        foreseen: why services will differ whose images are not built yet.
        replaced: the services that were replaced before these.
    """
    brought = {*replaced}
    restarts = partial(restarting, records=new.services, replaced=brought)
    todo, kept = following.todo(services, new, found, old, foreseen, new.id, restarts)
    plan = _in_turn(map(Keep, kept))
    groups = grouped(some(new.services, todo))
    for wave in following.behind(groups, following.uses(new.services, found)):
        plan += _together(names_alone(new, brought, wave)) + _wave(wave, todo, new, old, share)
        brought |= {*wave}
    return plan


def _wave(
    wave: Iterable[str], todo: Mapping[str, ServiceChange], new: Release, old: Release | None, share: int
) -> Plan:
    """Jobs, after which all is as before; those that start beside at once; one by one those that are away."""
    to = versions(new, wave)
    brought = [bring(each, version(old, each.service), todo[each.service], share) for each in to]
    jobs = _in_turn(each for each in brought if each.how.ends)
    beside = (each for each in brought if each.beside)
    return jobs + _together(beside) + _in_turn(each for each in brought if not (each.beside or each.how.ends))


def named(new: Release, old: Release | None, touched: Iterable[str]) -> Plan:
    """Return the plan that names `new` as the one that serves, once it is verified."""
    beside = tuple(each.service for each in versions(new, touched) if _beside(each))
    return ((Name(new.id, beside, old.id if old else NO_RELEASE),),)


def settled(new: Release, old: Release | None, touched: Iterable[str]) -> Plan:
    """Return the plan that retires what stood by beside `new`, once it is named."""
    beside = [each for each in versions(new, touched) if _beside(each)]
    return _together([Retire(each, version(old, each.service)) for each in beside])


def ingress(new: Release, old: Release | None, found: Found) -> Plan:
    """Return the plan that sets the ingress for `new`; the first one takes the ports of `old` over."""
    behind, before = _behind(new), _behind(old)
    if not behind:
        return ()
    first = (SetIngress(before, first=True),) if before and not _there(found) else ()
    return _in_turn((*first, SetIngress(behind, before)))


def begins(new: Release, old: Release | None, found: Found) -> bool:
    """Return whether setting the ingress starts what is behind it: nothing was before."""
    return bool(_behind(new)) and not _behind(old) and not _there(found)


def homeward(
    serving: Release | None, begun: Sequence[Release], services: Sequence[str], *, touched: bool = False
) -> tuple[Leg, ...]:
    """Return the way from wherever runs were cut off to `services` as `serving` has them.

    Args:
        serving: what served before; None for nothing.
        begun: the releases that those runs were making, newest first.
        touched: whether those runs touched all of `services`; else what they left is looked for.
    """

    ids = frozenset(new.id for new in begun)

    def brought(new: Release, found: Found) -> tuple[Version, ...]:
        return versions(new, services) if touched else left(new, found)

    def left(new: Release, found: Found) -> tuple[Version, ...]:
        ours = {box.service for box in found if box.release == new.id}
        return versions(new, [name for name in new.services if name in ours])

    return (
        *(lambda found, new=new: _together(_undone(brought(new, found), serving, Revert)) for new in begun),
        partial(superseded, serving, services if touched else None),
        *((partial(put_back, serving, services, begun=ids, last_first=touched),) if begun else ()),
        *(lambda found, new=new: _in_turn(_undone(left(new, found), serving, Remove)) for new in begun),
    )


def _undone(left: Iterable[Version], old: Release | None, kind: type[T]) -> tuple[T, ...]:
    """What takes back that these were brought, as far as it is of this kind."""
    brought = [bring(each, version(old, each.service), again(each.service)) for each in left]
    return tuple(each for one in brought for each in one.inverse() if isinstance(each, kind))


def superseded(serving: Release | None, services: Iterable[str] | None, found: Found) -> Plan:
    """What is beside a service of which `serving` has all its containers goes; of `services`, or of all."""
    if serving is None:
        return ()
    ours = Counter(box.service for box in found if box.release == serving.id and box.good)
    every = Counter(box.service for box in found)
    counts = [(each.service, each.record.replicas) for each in versions(serving, services)]
    return settled(serving, None, [name for name, count in counts if count <= ours[name] < every[name]])


def put_back(
    serving: Release | None,
    services: Sequence[str],
    found: Found,
    *,
    begun: Collection[ReleaseId] = (),
    last_first: bool = False,
) -> Plan:
    """Return the plan that puts `services` that differ back as `serving` has them, naming it for each.

    It serves already: what its containers replace goes at once, and a reboot brings them back. Its jobs did
    their work when it came: none is run again.

    Args:
        begun: the releases that are taken back: who restarts with others has looked theirs up.
        last_first: whether what needs others goes before them: it may not bear the older ones, and those that
            run are older. Else nothing is known to run, and what others need comes first.
    """
    if serving is None:
        return ()
    known = serving.services
    stale = {box.service for box in found if box.release in begun}
    foreseen = {name: "put back" for name in stale & known.keys() if known[name].restarts_with}
    told, _ = following.todo(services, serving, found, serving, foreseen)
    todo = {name: change for name, change in told.items() if change.action is not Action.RUN}
    plan: Plan = ()
    groups = waves(some(known, todo))
    bound = any({*known[name].restarts_with} & todo.keys() for name in todo)
    groups = groups[::-1] if last_first and not bound else groups
    for wave in following.behind(groups, following.uses(known, found)):
        plan += _wave(wave, todo, serving, None, 100) + settled(serving, None, wave)
        plan += named(serving, serving, wave)
    return plan


def unattended(new: Release, old: Release | None, touched: Sequence[str], tree: GoBack) -> Plan:
    """Return the way back from `new` for a host that goes it by itself, and plans nothing on the way.

    What may stand by is asked to serve first, together with the code, which it does not need.

    Args:
        touched: the services that `new` replaced.
        tree: where the work tree was.
    """
    new_ones = {each.service: each for each in versions(new, touched)}
    plan: Plan = ((tree, *map(Unless, _undone(new_ones.values(), old, Revert))),)
    before = {each.service: each.record for each in versions(old, touched) if not ends(each)}
    known = {**following.uses(new.services), **following.uses(before)}
    for wave in following.behind(waves(before)[::-1], known):
        ways = [(each, _anew(new_ones[each.service], each)) for each in versions(old, wave)]
        plan += _together(way for each, way in ways if _beside(each))
        plan += _in_turn(way for each, way in ways if not _beside(each))
    for each in _undone(new_ones.values(), old, Remove):
        plan += ((Unless(Revert(each.new, None), (each,)) if _beside(each.new) else each,),)
    if behind := _behind(old):
        plan += ((SetIngress(behind),),)
    return (*plan, (Unless(Untag(tuple(record.image for record in new.services.values()))),))


def _beside(version: Version) -> bool:
    return registry.of(version.record).beside


def _anew(new: Version, old: Version) -> Unless:
    """A service as it was, for certain."""
    start = bring(old, new, again(old.service))
    then = (start, Retire(old), Name(old.release_id, (old.service,))) if start.beside else (start,)
    return Unless(Revert(new, old) if _beside(new) else None, then)


def ingress_back(serving: Release | None, found: Found, *, repair: bool = False) -> Plan:
    """Return the plan that sets the ingress for `serving`; an empty one where it never had the ports.

    Args:
        repair: whether what a killed run left closed is opened again.
    """
    behind = _behind(serving)
    half = serving is not None and half_handed_over(serving, found)
    if not behind or not (half or _there(found)):
        return ()
    return ((SetIngress(behind, repair=repair or half),),)


def half_handed_over(serving: Release, found: Found) -> bool:
    """Return whether the ports were left to nobody, or about to change hands when that was cut off."""
    gates = [box for box in found if box.service == INGRESS]
    if any(box.status != "running" for box in gates):
        return True
    behind = {each.service for each in _behind(serving)}
    boxes = [box for box in found if box.service in behind]
    # What its owner started publishes the ports itself, what we did is behind an ingress.
    return any(box.status != "running" or bool(box.release) != bool(gates) for box in boxes)


def _together(operations: Iterable[Operation]) -> Plan:
    """One group; no plan for no operation."""
    group = tuple(operations)
    return (group,) if group else ()


def _in_turn(operations: Iterable[Operation]) -> Plan:
    """A group each."""
    return tuple((operation,) for operation in operations)


def _behind(release: Release | None) -> tuple[Version, ...]:
    return tuple(each for each in versions(release) if each.behind)


def _there(found: Found) -> bool:
    return any(box.service == INGRESS for box in found)
