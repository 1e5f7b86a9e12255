"""What a single value cannot tell: rules between the values of one environment. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.settings import balancer, secrets, sources, swarm
from schedgen_ops.settings.environment import Environment
from schedgen_ops.settings.violations import Location, Violation
from schedgen_ops.text import nearest


def between(settings: Environment) -> list[Violation]:
    """Every rule of an environment that `settings` breaks."""
    rules = (
        _some_host,
        _known_services,
        _listed_once,
        _called_apart,
        _run_somewhere,
        _migrating,
        _backing_up,
        _checks_apart,
    )
    return [
        violation
        for rule in (*rules, _times, _secrets, _source, _spread, swarm.broken)
        for violation in rule(settings)
    ]


def _some_host(settings: Environment) -> Iterator[Violation]:
    if not settings.hosts:
        yield ("hosts",), "is required: a list of hosts, or hosts_file"


def _known_services(settings: Environment) -> Iterator[Violation]:
    # A job in no tier is run before what needs it.
    known = {*settings.services, *settings.rollout.jobs}
    if not settings.tiers:
        return
    named: list[tuple[Location, str]] = [
        (("hosts", number, "services", index), service)
        for number, host in enumerate(settings.hosts)
        for index, service in enumerate(host.services or ())
    ]
    named += [
        (("verify", "commands", number, "service"), check.service)
        for number, check in enumerate(settings.verify.commands)
        if check.service
    ]
    named += [
        (("checks", number, "service"), check.service)
        for number, check in enumerate(settings.checks)
        if check.service
    ]
    named += [
        (("rollout", name, index), service)
        for name, services in settings.rollout.lists.items()
        for index, service in enumerate(services)
    ]
    named += [(("rollout", "by_name", name), name) for name in settings.rollout.by_name]
    if settings.balancer and settings.balancer.service:
        named.append((("balancer", "service"), settings.balancer.service))
    for place, service in named:
        if service not in known:
            near = nearest(service, known)
            hint = f"; did you mean {near!r}?" if near else ""
            yield place, f"no tier names the service {service!r}{hint}"


def _listed_once(settings: Environment) -> Iterator[Violation]:
    listed: dict[str, str] = {}
    for name, services in settings.rollout.lists.items():
        for index, service in enumerate(services):
            if service in listed:
                yield ("rollout", name, index), f"{listed[service]} has {service!r} already"
            listed.setdefault(service, f"rollout.{name}")


def _called_apart(settings: Environment) -> Iterator[Violation]:
    """One ingress listens for all of them, and knows by the port who is meant."""
    taken: dict[int, str] = {}
    for name, (port, _) in settings.rollout.called.items():
        place: Location = ("rollout", "by_name", name)
        if port in taken:
            yield place, f"{taken[port]} is called by name at port {port} already"
        taken.setdefault(port, name)
        for listed in ("stop_first", "jobs"):
            if name in settings.rollout.lists[listed]:
                yield place, f"rollout.{listed} has it: two of it are never there at once"


def _run_somewhere(settings: Environment) -> Iterator[Violation]:
    needed: list[tuple[Location, str]] = [
        (("tiers", number, "services", index), service)
        for number, tier in enumerate(settings.tiers)
        for index, service in enumerate(tier.services)
    ]
    needed += [
        ((section, "service"), part.service)
        for section, part in (("database", settings.database), ("objects", settings.objects))
        if part
    ]
    for place, service in needed:
        if settings.hosts and not settings.hosts_running(service):
            yield place, f"no host runs {service!r}: add it to a host's services"


def _migrating(settings: Environment) -> Iterator[Violation]:
    if settings.migrations is None or not settings.hosts:
        return
    chosen = settings.migrating_hosts()
    if not chosen:
        yield ("hosts",), "no host migrates: say 'migrates: true' on one, or take `migrations` away"
    database = settings.database
    holders = settings.hosts_running(database.service) if database else ()
    for number, host in enumerate(settings.hosts):
        place = ("hosts", number, "migrates")
        if len(chosen) > 1 and host in chosen and host not in holders:
            yield place, f"{host.name} runs no database of its own: only one host may migrate a shared one"
        elif len(holders) > 1 and host in holders and host not in chosen and host.migrates is None:
            yield place, f"{host.name} runs a database too: say 'migrates: true' or 'migrates: false'"


def _backing_up(settings: Environment) -> Iterator[Violation]:
    stored = [part.service for part in (settings.database, settings.objects) if part]
    for service in stored if settings.hosts else ():
        holders = settings.hosts_running(service)
        if holders and not any(host in settings.backup_hosts() for host in holders):
            yield ("hosts",), f"no host that runs {service!r} backs it up: take 'backs_up: false' away"


def _checks_apart(settings: Environment) -> Iterator[Violation]:
    seen: set[str] = set()
    commands, queries = settings.verify.commands, settings.verify.queries
    named = [("commands", number, check.name) for number, check in enumerate(commands)]
    named += [("queries", number, check.name) for number, check in enumerate(queries)]
    for key, number, name in named:
        if name in seen:
            yield ("verify", key, number, "name"), f"a second check is called {name!r}"
        seen.add(name)
    if settings.verify.queries and settings.database is None:
        yield ("verify", "queries"), "there is no database to ask: `database` is null"


def _times(settings: Environment) -> Iterator[Violation]:
    if settings.watch.interval > settings.watch.duration:
        yield ("watch", "duration"), f"must not be shorter than watch.interval ({settings.watch.interval})"
    if settings.health.settle >= settings.health.deadline:
        yield ("health", "settle"), "must be shorter than health.deadline"


def _secrets(settings: Environment) -> Iterator[Violation]:
    yield from secrets.broken(settings.secrets, settings.variables)
    if settings.env_file.startswith(".schedgen/") and settings.delivered:
        yield ("env_file",), "must not be in .schedgen, where releases keep theirs"


def _source(settings: Environment) -> Iterator[Violation]:
    yield from sources.broken(settings.release, settings.policy, settings.delivered)
    if settings.build.where == "laptop" and not settings.from_git:
        yield ("build", "where"), "is about images that are built: with `source: image` none are"


def _spread(settings: Environment) -> Iterator[Violation]:
    """Somebody serves at every moment, and somebody is left for canary hosts to go before."""
    names, first = [host.name for host in settings.hosts], settings.rollout.canary_hosts
    if not names:
        return
    if first >= len(names):
        yield ("rollout", "canary_hosts"), f"leaves no host to follow: there are {len(names)}"
        return
    batches = settings.rollout.batches(names, canary=True)
    behind = [host.name for host in settings.balanced_hosts()]
    yield from balancer.broken(settings.balancer, behind, batches, canary=first > 0)
