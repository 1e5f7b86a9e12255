"""What a deploy would do to a host, before anything is built: the release to come and its plan. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import docker as engine
from schedgen_ops.deploy.images import describe
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.rollout import planner, reach, scope
from schedgen_ops.rollout.operations import Bring, Keep, Plan, text
from schedgen_ops.rollout.plan import Action
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.work_tree import CheckOut
from schedgen_ops.settings import HostSettings, Settings

Row = tuple[str, str, str, str]
"""A service, what happens to it, why, and how."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a deploy would do, as far as that is known without building.

    Attributes:
        parts: the plan by its steps' names.
        rows: what happens to each service that a deploy may touch.
    """

    parts: tuple[tuple[str, Plan], ...]
    rows: tuple[Row, ...]

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return the plan as rows of a table: a step's name and an operation."""
        return tuple((name, line) for name, plan in self.parts for line in text(plan))


def forecast(
    settings: Settings,
    host: HostSettings,
    services: Sequence[c.Service],
    boxes: Sequence[engine.Container],
    serving: Release | None,
    commit: str,
    changed: Collection[str],
) -> Forecast:
    """Return the plan of a deploy of `commit` on a host.

    Args:
        services: what the compose file of that commit says.
        serving: the release that serves; None before the first deploy.
        changed: paths in the repository that differ from what serves.
    """
    foreseen = {each.name: why for each in services if (why := _foreseen(each, settings, changed))}
    short = ReleaseId(commit[:7])
    described = describe(settings, host, services, short, serving, {})
    new = Release(short, "", commit, State.STARTED, services=described)
    old = serving or _adopted(new, boxes)
    known = old.services if old else {}
    expected = {name: _as_before(record, known.get(name)) for name, record in described.items()}
    new = replace(new, services=expected)
    steps, blank = [*scope.parts(settings, expected)], not boxes and serving is None
    first = scope.at_first(settings, host, expected) if blank else ()
    if blank:
        steps[-1] = (steps[-1][0], [*steps[-1][1], *scope.rest(settings, host, expected)])
    bring = partial(planner.forward, new=new, old=old, found=boxes, foreseen=foreseen)
    data = bring(first)
    tiers: list[tuple[str, Plan]] = []
    for title, names in steps:
        later = [name for name in names if name not in first]
        tiers.append((title, bring(later, replaced=_touched(plan for _, plan in tiers))))
    plans = [data, *(plan for _, plan in tiers)]
    begun = [each for plan in plans for group in plan for each in group]
    moved, touched = [each for each in begun if isinstance(each, Bring)], _touched(plans)
    parts: tuple[tuple[str, Plan], ...] = (
        ("Code", ((CheckOut(commit),),)),
        *((("Data", data),) if data else ()),
        ("Ingress", planner.ingress(new, old, boxes)),
        *tiers,
        ("Verification", reach.cut_off(new, touched, boxes) + planner.named(new, old, touched)),
        ("Cleaning", planner.settled(new, old, touched)),
    )
    written = {each.name: each for each in services}
    rows = {each.new.service: _row(each, written[each.new.service]) for each in moved}
    rows |= {each.change.service: _kept(each) for each in begun if isinstance(each, Keep)}
    whys = {} if blank else {name: registry.of(record).kept for name, record in expected.items()}
    rows |= {name: (name, "keep", why, "") for name, why in whys.items() if why}
    order = scope.order(settings, expected) if settings.tiers and not blank else expected
    return Forecast(parts, tuple(rows[name] for name in order if name in rows))


def _touched(plans: Iterable[Plan]) -> list[str]:
    """The services that these plans replace."""
    begun = (each for plan in plans for group in plan for each in group)
    return [each.new.service for each in begun if isinstance(each, Bring)]


def _adopted(new: Release, boxes: Iterable[engine.Container]) -> Release | None:
    """What runs before the first deploy, as that will keep it; None where nothing does."""
    running = {box.service: box for box in boxes}
    services = {
        name: replace(record, image_id=box.image, definition=box.written, written=box.written)
        for name, record in new.services.items()
        if (box := running.get(name))
    }
    return replace(new, id=ReleaseId("what runs now"), services=services) if running else None


def _as_before(record: ServiceRecord, before: ServiceRecord | None) -> ServiceRecord:
    """A record with the image, and what it mounts, as before: what will differ is foreseen."""
    if before is None:
        return record
    same = before.written == record.written
    return replace(
        record, image_id=before.image_id, definition=before.definition if same else record.definition
    )


def _kept(operation: Keep) -> Row:
    return operation.change.service, "keep", "unchanged", ""


def _row(operation: Bring, service: c.Service) -> Row:
    change = operation.change
    how = operation.how.told(service, operation.new.record) if change.action is Action.REPLACE else ""
    return change.service, change.action.value, change.reason, how


def _foreseen(service: c.Service, settings: Settings, paths: Collection[str]) -> str:
    """Why a service will differ, by the files that changed; "" where they say nothing of it."""
    prefix = settings.directory.rstrip("/") + "/"
    context = service.context.removeprefix(prefix)
    below = [path for path in paths if service.built and (context == "" or _touches(path, context))]
    if service.context.rstrip("/") == settings.directory.rstrip("/"):
        below = list(paths)
    if below:
        more = f" and {len(below) - 1} more" if len(below) > 1 else ""
        return f"its image is built from {below[0]}{more}"
    mounts = {mount.removeprefix(prefix) for mount in service.mounts}
    touched = [path for path in paths if any(_touches(path, mount) for mount in mounts)]
    return f"{touched[0]}, which it mounts, changed" if touched else ""


def _touches(changed: str, used: str) -> bool:
    """Whether a changed path is what is used, in it, or the submodule that it is in."""
    return changed == used or changed.startswith(f"{used}/") or used.startswith(f"{changed}/")
