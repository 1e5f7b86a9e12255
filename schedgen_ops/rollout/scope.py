"""Which services a deploy replaces on a host, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.docker import Container
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.grouping import needed_by
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import HostSettings, Settings


def on(services: Iterable[Service], settings: Settings, host: HostSettings) -> tuple[Service, ...]:
    """Return the services of the compose file that belong on `host`, and the jobs that those need."""
    known = {service.name: service for service in services}
    hows = registry.chosen(known.values(), settings)
    needs = {name: service.needs for name, service in known.items()}
    needed = needed_by([name for name in known if settings.has(host, name)], needs)

    def job(name: str) -> bool:
        # Where no host has it, it is wherever it is needed.
        here = host.runs(name) or not settings.hosts_running(name)
        return hows[name].ends and name in needed and here

    return tuple(each for name, each in known.items() if settings.has(host, name) or job(name))


def seen_to_end(
    services: Iterable[Service], boxes: Iterable[Container], known: Mapping[str, ServiceRecord]
) -> tuple[Service, ...]:
    """Return the services, those as jobs of which the file does not tell it, but which were seen to be some.

    Nothing starts one again, nobody is to reach it, and it ended well: as its owner started it, or as a job.

    Args:
        known: the services of the release that serves.
    """
    found: dict[str, list[Container]] = {}
    for box in boxes:
        found.setdefault(box.service, []).append(box)

    def job(service: Service) -> bool:
        if service.name in known and registry.of(known[service.name]).ends:
            return True
        its = found.get(service.name, [])
        return bool(its) and all(box.ended_well and not (box.release and not box.job) for box in its)

    return tuple(replace(each, ends=True) if each.may_end and job(each) else each for each in services)


def order(settings: Settings, records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return the services of a release that are replaced: tier by tier, or all as they stand.

    Their needs decide within each step, see `grouping.waves`.
    """
    return [name for _, names in parts(settings, records) for name in names if name in records]


def parts(settings: Settings, records: Mapping[str, ServiceRecord]) -> tuple[tuple[str, Sequence[str]], ...]:
    """Return the title and the services of each step that replaces any.

    A job is in the first step that needs it, whatever tier names it; one that migrates is run before.
    """
    skipped = migrating(settings, records)
    if not settings.tiers:
        names = [name for name, record in records.items() if not left_alone(record)]
        return (("Services", [name for name in names if name != skipped]),)
    steps, begun = [], {skipped}
    for tier in settings.tiers:
        asked = dict.fromkeys((*jobs_before(tier.services, records), *tier.services))
        names = [name for name in asked if name not in begun]
        steps.append((tier.name, names))
        begun.update(name for name in names if name in records and ends(records[name]))
    return tuple(steps)


def ends(record: ServiceRecord) -> bool:
    """Tell whether a service is a job."""
    return registry.of(record).ends


def jobs_before(services: Iterable[str], records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return the jobs that services need, directly or by what else they need."""
    needed = needed_by(services, {name: record.needs for name, record in records.items()})
    return [name for name in needed if name in records and ends(records[name])]


def before_ingress(settings: Settings, records: Mapping[str, ServiceRecord], *, blank: bool) -> list[str]:
    """Return the jobs that what is behind the ingress needs, where that starts it.

    Args:
        blank: whether nothing runs yet: what those need comes with them.
    """
    behind = [name for name, record in records.items() if record.proxies]
    jobs = [name for name in jobs_before(behind, records) if name != migrating(settings, records)]
    needs = {name: record.needs for name, record in records.items()}
    names = dict.fromkeys((*(needed_by(jobs, needs) if blank else ()), *jobs))
    skipped = {*behind, migrating(settings, records)}
    return [name for name in names if name in records and name not in skipped]


def before_migrating(
    settings: Settings, host: HostSettings, records: Mapping[str, ServiceRecord]
) -> list[str]:
    """Return the jobs that come before the migrations of a host: those that these need."""
    if settings.migrations is None or host not in settings.migrating_hosts():
        return []
    return jobs_before((settings.migrations.service,), records)


def migrating(settings: Settings, records: Mapping[str, ServiceRecord]) -> str:
    """Return the job that the migrations run, so that it is not run once more; "" for none."""
    name = settings.migrations.service if settings.migrations else ""
    return name if name in records and ends(records[name]) else ""


def lasting(records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return the services of a release that are there to stay: all but jobs and what has no container."""
    return [name for name, record in records.items() if record.replicas and not ends(record)]


def rest(settings: Settings, host: HostSettings, records: Mapping[str, ServiceRecord]) -> list[str]:
    """Return what no deploy replaces and is not there `at_first`: where nothing runs yet, it comes last."""
    begun = {*order(settings, records), *at_first(settings, host, records), migrating(settings, records)}
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
