"""What a deploy would do to a host, before anything is built: the release to come and its plan. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import docker as engine
from schedgen_ops.deploy.images import LED_LATER, describe
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.rollout import own_files, planner, reach, scope
from schedgen_ops.rollout.operations import Bring, Keep, Operation, Plan, SetIngress, text
from schedgen_ops.rollout.own_files import NOTHING, Own
from schedgen_ops.rollout.plan import Action
from schedgen_ops.rollout.spoken import NOTHING_ASKED, Spoken
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

    @property
    def replaced_behind(self) -> tuple[str, ...]:
        """The services behind the ingress that are replaced."""
        brought = (one.new for one in self._operations() if isinstance(one, Bring) and one.beside)
        return tuple(sorted(new.service for new in brought if new.behind))

    @property
    def hands_over(self) -> bool:
        """Whether the published ports change hands."""
        return any(isinstance(each, SetIngress) and each.first for each in self._operations())

    def _operations(self) -> Iterator[Operation]:
        return (operation for _, plan in self.parts for group in plan for operation in group)


def forecast(
    settings: Settings,
    host: HostSettings,
    services: Sequence[c.Service],
    boxes: Sequence[engine.Container],
    serving: Release | None,
    version: str,
    changed: Collection[str],
    tracked: Mapping[str, str] = MappingProxyType({}),
    spoken: Spoken = NOTHING_ASKED,
    own: Own = NOTHING,
) -> Forecast:
    """Return the plan of a deploy of `version` on a host.

    Args:
        services: what its compose file says.
        serving: the release that serves; None before the first deploy.
        version: a commit, or the tag of images.
        changed: paths from the project's directory of the files that differ from what serves.
        tracked: path below the project's directory to git object id, of the files that services mount.
        spoken: what published ports speak, see `images.ask_ports`.
        own: the files that the release will have for itself.
    """
    before = serving.services if serving else {}
    services = scope.seen_to_end(services, boxes, before)
    foreseen = {
        each.name: why
        for each in services
        if (why := _foreseen(each, settings, changed) or _moved(each, before.get(each.name)))
    }
    short = ReleaseId(version[:7] if settings.from_git else version)
    described = describe(settings, host, services, short, serving, tracked, boxes, spoken, own=own.targets)
    new = Release(short, "", version, State.STARTED, services=described)
    old = serving or _adopted(new, boxes)
    known = old.services if old else {}
    expected = {name: _as_before(record, known.get(name)) for name, record in described.items()}
    new = replace(new, services=expected)
    steps, blank = [*scope.parts(settings, expected)], not boxes and serving is None
    data_first = scope.at_first if blank else scope.before_migrating
    first = data_first(settings, host, expected)
    if blank:
        steps[-1] = (steps[-1][0], [*steps[-1][1], *scope.rest(settings, host, expected)])
    forward = partial(planner.forward, new=new, old=old, found=boxes, foreseen=foreseen)
    moved: dict[str, Bring] = {}

    def bring(names: Iterable[str]) -> Plan:
        """What was brought with another one is there by then."""
        plan = forward([name for name in names if name not in moved], replaced=tuple(moved))
        moved.update((each.new.service, each) for group in plan for each in group if isinstance(each, Bring))
        return plan

    data = bring(first)
    early = scope.before_ingress(settings, expected, blank=blank) if planner.begins(new, old, boxes) else []
    jobs = bring([name for name in early if name not in first])
    first = (*first, *early)
    tiers = [(title, bring([name for name in names if name not in first])) for title, names in steps]
    begun = [each for plan in (data, jobs, *(plan for _, plan in tiers)) for group in plan for each in group]
    touched = [*moved]
    gate = planner.ingress(new, old, boxes)
    parts: tuple[tuple[str, Plan], ...] = (
        *((("Code", ((CheckOut(version),),)),) if settings.from_git else ()),
        *((("Data" if blank else "Migrations", data),) if data else ()),
        *((("Jobs", jobs),) if jobs else ()),
        ("Ingress", gate),
        *tiers,
        ("Verification", reach.cut_off(new, touched, boxes) + planner.named(new, old, touched)),
        ("Cleaning", planner.settled(new, old, touched)),
    )
    written = {each.name: _as_it_runs(each, boxes) for each in services}
    whys = {} if blank else {name: registry.of(record).kept for name, record in expected.items()}
    rows = {name: (name, "keep", why, "") for name, why in whys.items() if why}
    for each in begun:
        if isinstance(each, Keep) and each.change.service not in rows:
            rows[each.change.service] = _kept(each, expected[each.change.service], gate)
    # One that goes with another may have been kept before, or be in no tier.
    at = [_there(settings, path) for path in changed]
    under = {name: _under(written[name], boxes, at, own) for name in moved if name in written}
    rows |= {name: _row(each, written[name], under.get(name, "")) for name, each in moved.items()}
    order = [*scope.order(settings, expected), *moved] if settings.tiers and not blank else [*expected]
    if job := scope.migrating(settings, expected):
        rows[job] = (job, Action.RUN.value, "the migrations run it", registry.of(expected[job]).name)
        order.append(job)
    return Forecast(parts, tuple(rows[name] for name in dict.fromkeys(order) if name in rows))


def _touched(plans: Iterable[Plan]) -> list[str]:
    """The services that these plans replace."""
    begun = (each for plan in plans for group in plan for each in group)
    return [each.new.service for each in begun if isinstance(each, Bring)]


def _adopted(new: Release, boxes: Iterable[engine.Container]) -> Release | None:
    """What runs before the first deploy, as that will keep it; None where nothing does."""
    running = {box.service: box for box in boxes}
    services = {
        name: replace(
            record,
            image_id=box.image,
            definition=box.written,
            written=box.written,
            alias=record.alias if record.proxies else "",
        )
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


def _as_it_runs(service: c.Service, boxes: Iterable[engine.Container]) -> c.Service:
    """A service that leaves its healthcheck to its image, which runs already: Docker knows of it."""
    if service.checked is not None:
        return service
    mine = [box for box in boxes if box.service == service.name]
    return replace(service, checked=bool(mine) and all(box.health for box in mine))


def _kept(operation: Keep, record: ServiceRecord, gate: Plan) -> Row:
    name, handed = operation.change.service, (each for group in gate for each in group)
    # Nothing of its own changes, but what is in its container's own file system does not outlive that.
    anew = any(isinstance(each, SetIngress) and each.first and name in each.services for each in handed)
    why = "unchanged; made anew once, since the ingress takes its ports" if anew else "unchanged"
    return name, "keep", why, _number(record)


def _row(operation: Bring, service: c.Service, under: str) -> Row:
    change = operation.change
    record = operation.new.record
    told = change.action in (Action.REPLACE, Action.RUN)
    how = operation.how.told(service, record) if told else ""
    return (
        change.service,
        change.action.value,
        change.reason,
        "; ".join(filter(None, (how, _number(record), _led_later(record), under))),
    )


def _led_later(record: ServiceRecord) -> str:
    """That its name does not lead to the ingress yet: what runs is not found behind it."""
    return LED_LATER if record.alias and not record.proxies else ""


def _number(record: ServiceRecord) -> str:
    """How many containers are kept that no compose file asks for."""
    return "" if record.counted or record.replicas == 1 else f"{record.replicas} containers, as they run"


def _foreseen(service: c.Service, settings: Settings, paths: Collection[str]) -> str:
    """Why a service will differ, by the files that changed; "" where they say nothing of it."""
    there = partial(_there, settings)
    below = [path for path in paths if service.built and _touches(there(path), there(service.context))]
    if below:
        more = f" and {len(below) - 1} more" if len(below) > 1 else ""
        return f"its image is built from {below[0]}{more}"
    touched = [path for path in paths if any(_touches(there(path), there(each)) for each in service.mounts)]
    return f"{touched[0]}, which it mounts, changed" if touched else ""


def _moved(service: c.Service, before: ServiceRecord | None) -> str:
    """Why a service will differ by the tag that the release picks; "" where it is the same."""
    tagged = service.picked and before is not None and before.written != service.definition
    return f"its image is {service.image}" if tagged else ""


def _there(settings: Settings, path: str) -> str:
    """Where a path from the project's directory, or one of the host, is on the host."""
    return posixpath.normpath(posixpath.join(settings.directory, path))


def _touches(changed: str, used: str) -> bool:
    """Whether a changed path is what is used, in it, or the submodule that it is in."""
    return changed == used or _is_in(changed, used) or used.startswith(f"{changed}/")


def _is_in(changed: str, folder: str) -> bool:
    return changed.startswith(f"{folder}/")


def _under(service: c.Service, boxes: Iterable[engine.Container], paths: Collection[str], own: Own) -> str:
    """That files change in folders which it mounts: a file that is mounted by itself stays as it was.

    Args:
        paths: where files that change are on the host.
    """
    if not own_files.changed_under(boxes, service.name, paths):
        return ""
    said = "its files change under it already when the code is checked out"
    why = next((own.stays[each] for each in service.mounts if each in own.stays), "")
    once = any(each in own.sources for each in service.mounts)
    return f"{said}, and later: {why}" if why else f"{said}{', this once' if once else ''}"
