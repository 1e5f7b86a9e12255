"""Which services a deploy replaces on a host, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import HostSettings, Settings


def on(services: Iterable[Service], settings: Settings, host: HostSettings) -> tuple[Service, ...]:
    """Return the services of the compose file that belong on `host`."""
    return tuple(service for service in services if settings.has(host, service.name))


def order(settings: Settings, records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return the services of a release that are replaced: tier by tier, or all as they stand.

    Their needs decide within each step, see `grouping.waves`.
    """
    return [name for _, names in parts(settings, records) for name in names if name in records]


def parts(settings: Settings, records: Mapping[str, ServiceRecord]) -> tuple[tuple[str, Sequence[str]], ...]:
    """Return the title and the services of each step that replaces any."""
    if settings.tiers:
        return tuple((tier.name, tier.services) for tier in settings.tiers)
    return (("Services", [name for name, record in records.items() if not left_alone(record)]),)


def rest(settings: Settings, host: HostSettings, records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return what no deploy replaces and is not there `at_first`: where nothing runs yet, it comes last."""
    begun = {*order(settings, records), *at_first(settings, host, records)}
    return [name for name in records if name not in begun]


def at_first(settings: Settings, host: HostSettings, records: Mapping[str, ServiceRecord]) -> tuple[str, ...]:
    """Return what has to run before a schema can be migrated or data restored, where nothing runs yet.

    What holds data, what the migrations need, and what those need.
    """
    stores = [part.service for part in (settings.database, settings.objects) if part]
    migrating = settings.migrations if host in settings.migrating_hosts() else None
    runs = records.get(migrating.service) if migrating else None
    asked = [*stores, *(runs.needs if runs else ())]
    found: dict[str, None] = {}
    while asked:
        name = asked.pop(0)
        # What is behind the ingress comes when that is there.
        if name in records and name not in found and not records[name].proxies:
            found[name] = None
            asked += records[name].needs
    return tuple(found)


def left_alone(record: ServiceRecord) -> bool:
    """Tell whether no deploy replaces a service."""
    return bool(registry.of(record).kept)
