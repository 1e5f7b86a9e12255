"""How many containers a service has where its compose file does not say: as many as run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from schedgen_ops.commands.docker import Container
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout.plan import differs

_LIVE = ("running", "restarting", "paused")


def running(found: Iterable[Container], serving: Release | None) -> dict[str, int]:
    """Return how many containers of each service run, of those that serve; those that are stopped if all are.

    What a run that was cut off left beside them does not count: it is not as the serving release has it.

    Args:
        found: the project's containers.
        serving: the release that serves; None where all there are is their owner's.
    """
    boxes: dict[str, list[Container]] = {}
    theirs: dict[str, list[Container]] = {}
    for box in found:
        record = serving.services.get(box.service) if serving else None
        # Those without our label their owner started by hand.
        if box.release and not (record and not differs(record, [box], serving)):
            continue
        # Behind the ingress they have the ports themselves: ours beside them are about to take their place.
        kind = theirs if record and record.proxies and not box.release else boxes
        kind.setdefault(box.service, []).append(box)
    boxes |= {name: max(its, boxes.get(name, []), key=len) for name, its in theirs.items()}
    live = {name: sum(box.status in _LIVE for box in its) for name, its in boxes.items()}
    return {name: live[name] or len(its) for name, its in boxes.items()}


def kept(release: Release, found: Sequence[Container], others: Iterable[Release] = ()) -> Release:
    """Return a release that serves with as many containers as run, where no compose file says a number.

    Args:
        found: the project's containers.
        others: those that are being put in its place, or were; they kept the number that they found.
    """
    beside, count = tuple(others), running(found, release)

    def numbered(name: str, record: ServiceRecord) -> ServiceRecord:
        theirs = [other.services[name] for other in beside if name in other.services]
        if record.counted and all(their.counted for their in theirs):
            return record
        told = (their.replicas for their in theirs if not their.counted)
        return replace(record, replicas=max(count.get(name) or record.replicas, *told, 1), counted=False)

    return replace(release, services={name: numbered(name, each) for name, each in release.services.items()})
