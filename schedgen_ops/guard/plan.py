"""What the watchdog of a host is told: what to look at, how to judge, and both ways on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import Route, route_of
from schedgen_ops.release.record import Release, ReleaseId, State, to_json
from schedgen_ops.rollout import planner, reach, scope, spoken
from schedgen_ops.rollout.operations import Name, Operation, Plan
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Check, Settings
from schedgen_ops.watch.policy import GuardPolicy

# What stands between commands that run one after the other; those between two of them run at once.
_THEN = "-"
REASON, FINISHED = "@reason@", "@finished@"


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the watch: the new release has `share` percent of the requests for so many seconds."""

    share: int
    seconds: int


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """All that the watchdog knows.

    Attributes:
        docker: the words that run docker.
        alone: whether it decides without asking: there is no other host whose signal counts.
        canary: whether no other host has the release yet: it is told when they get it, and keeps nothing.
        interval, traffic_timeout: in seconds.
        insufficient_traffic: what happens where too few real requests came: accept, wait or rollback.
        services: those that the release replaced; `proxies` are the ingress's routes to them.
        proxy: the name of the proxy that is the ingress.
        targets: a check each, as `PATIENCE PROXY STATUS URL`; without a proxy "-".
        metrics: such a line for the counters, "" for none; `own_paths` are not counted.
        prometheus: the URL of a query, "" for none.
        back, keep: shell texts, with "-" between those that wait for one another.
        cut: such texts too, after which the checks have to pass before it is kept.
        records: the release's record as it is kept, taken back, or broken; REASON and FINISHED are filled in.
        definitions: on a Swarm what the containers of each of `services` are known by; None elsewhere.
        node: whether it is a node of a Swarm whose manager decides.
        guests: whether all that it replaces goes on, and the ingress has containers of it as guests.
    """

    project: str
    docker: tuple[str, ...]
    release_id: ReleaseId
    alone: bool
    interval: int
    insufficient_traffic: str
    traffic_timeout: int
    stages: tuple[Stage, ...]
    policy: GuardPolicy
    services: tuple[str, ...]
    proxy: str
    proxies: tuple[str, ...]
    targets: tuple[str, ...]
    metrics: str
    requests_metric: str
    latency_metric: str
    prometheus: str
    own_paths: tuple[str, ...]
    back: tuple[str, ...]
    cut: tuple[str, ...]
    keep: tuple[str, ...]
    records: tuple[str, ...]
    canary: bool = False
    definitions: tuple[str, ...] | None = None
    node: bool = False
    guests: bool = False


def policy(settings: Settings) -> GuardPolicy:
    """The limits as the configuration has them."""
    guard, limits = settings.guard, settings.limits
    return GuardPolicy(
        error_percent=limits.error_percent,
        consecutive=limits.consecutive_failures,
        min_checks=guard.min_checks,
        min_requests=guard.min_requests,
        window=guard.window,
        latency_factor=guard.latency_factor,
        min_p95=guard.min_p95,
        restarts=-1 if guard.restarts is None else guard.restarts,
        leak=guard.leak,
        leak_samples=guard.leak_samples,
        warm_up=float(guard.warm_up),
        log_errors=-1 if guard.log_errors is None else guard.log_errors,
    )


def stages(settings: Settings, *, behind: bool = True) -> tuple[Stage, ...]:
    """The watch in its parts; without anything `behind` the ingress there are no shares."""
    shares = settings.guard.canary if behind else ()
    last = Stage(100, settings.watch.duration)
    return (*(Stage(share, settings.guard.pause) for share in shares), last)


def before_others(settings: Settings, *, shares: bool) -> tuple[Stage, ...]:
    """The watch of a canary host before other hosts get the release.

    Args:
        shares: whether its containers begin with a share of the host's requests.
    """
    first = stages(settings)[:-1] if shares else ()
    return (*first, Stage(100, settings.rollout.canary_watch))


def agent_config(host_run: HostRun, *, alone: bool) -> AgentConfig:
    """What the watchdog of this host is told, once the services are replaced."""
    settings, new = host_run.settings, host_run.release
    # A job is over.
    replaced = {name: new.services[name] for name in host_run.touched if not scope.ends(new.services[name])}
    proxies = tuple(proxy for record in replaced.values() for proxy in record.proxies)
    known = spoken.led(spoken.behind(host_run.services, new.services), settings, new.services)
    routes = [route for route in known if route.proxy in proxies]
    checks = settings.checks_on(host_run.host)
    counters = next((check for check in checks if check.name == settings.guard.metrics), None)
    return AgentConfig(
        project=settings.project,
        docker=host_run.docker.words,
        release_id=new.id,
        alone=alone,
        interval=settings.watch.interval,
        insufficient_traffic=settings.guard.insufficient_traffic,
        traffic_timeout=settings.guard.traffic_timeout,
        stages=stages(settings, behind=bool(proxies)),
        policy=policy(settings),
        services=tuple(replaced),
        proxy=chosen(settings).name,
        proxies=proxies,
        targets=tuple(_target(check, routes) for check in checks),
        metrics=_target(counters, routes) if counters else "",
        requests_metric=settings.guard.requests_metric,
        latency_metric=settings.guard.latency_metric,
        prometheus=query(settings),
        own_paths=own_paths(checks),
        back=_texts(host_run.commands, back(host_run)),
        cut=_texts(host_run.commands, reach.cut_off(new, host_run.touched, host_run.containers())),
        keep=_texts(host_run.commands, keep(host_run)),
        records=records(new),
    )


def _target(check: Check, routes: Sequence[Route]) -> str:
    route = route_of(routes, check)
    return target(check, route.proxy if route and not route.raw else "-")


def target(check: Check, proxy: str) -> str:
    """Return a check as the watchdog is told of it; `proxy` leads to the new containers too, "-" does not."""
    # Slow answers are the latency's business.
    return f"{check.patience} {proxy} {check.good} {check.asked}"


def own_paths(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return the paths that our own checks ask for."""
    return tuple(sorted({urlsplit(check.url).path or "/" for check in checks}))


def query(settings: Settings) -> str:
    """Return the URL of the query that Prometheus is asked; "" for none."""
    asked = settings.guard.prometheus
    return f"{asked.url.rstrip('/')}/api/v1/query?query={quote(asked.query, safe='')}" if asked else ""


def records(new: Release) -> tuple[str, ...]:
    """Return a release's record as it is kept, taken back, or broken."""
    closed = replace(new, finished=FINISHED)
    ends = (
        replace(closed, state=State.DONE, guard=REASON),
        replace(closed, state=State.FAILED, error=REASON),
        replace(closed, state=State.BROKEN, error=REASON),
    )
    return tuple(map(to_json, ends))


def keep(host_run: HostRun) -> Plan:
    """The release is the one that serves; then the containers that stood by go."""
    new, old, touched = host_run.release, host_run.old, host_run.touched
    return planner.named(new, old, touched) + planner.settled(new, old, touched)


def back(host_run: HostRun) -> Plan:
    """The way back to the release before, as a deploy that fails goes it; migrations stay."""
    tree = host_run.seen.tree
    env = (host_run.release.id,) if host_run.settings.delivered else ()
    home = GoBack(tree.commit, tree.branch, env=env)
    return planner.unattended(host_run.release, host_run.old, host_run.touched, home)


def _texts(commands: OperationRenderer, plan: Plan) -> tuple[str, ...]:
    """A plan for the host's own agent: shell texts, those of a group together."""
    found = [(*(_text(commands, operation) for operation in group), _THEN) for group in plan]
    return tuple(text for group in found for text in group)[:-1]


def _text(commands: OperationRenderer, operation: Operation) -> str:
    # The record is on the host then, beside its place.
    if isinstance(operation, Name):
        return commands.name(operation, beside=True).text
    return commands(operation).text
