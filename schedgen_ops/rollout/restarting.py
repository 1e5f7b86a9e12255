"""Services that are replaced because another one is, as their definition asks for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.plan import Action, ServiceChange


def restarting(
    told: tuple[ServiceChange, ...], records: Mapping[str, ServiceRecord], replaced: Collection[str]
) -> tuple[ServiceChange, ...]:
    """Return `told` with those replaced besides that restart with a service that is, or with one of these.

    Args:
        replaced: the services that were replaced before.
    """
    moved = {*replaced, *(change.service for change in told if change.action is Action.REPLACE)}
    found = {change.service: change for change in told}
    left = [change.service for change in told if not change.touches]
    while again := {name: why for name in left if (why := _with(records[name], moved))}:
        reasons = {name: f"{why}, which it restarts with, is replaced" for name, why in again.items()}
        found |= {name: ServiceChange(name, Action.REPLACE, reason) for name, reason in reasons.items()}
        moved |= again.keys()
        left = [name for name in left if name not in again]
    return tuple(found.values())


def _with(record: ServiceRecord, moved: Collection[str]) -> str:
    return ", ".join(name for name in record.restarts_with if name in moved)
