"""The checks of a verification as data: what each is called and needs, what it runs, how it judges. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from schedgen_ops import schema_standing
from schedgen_ops import settings as s
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import http, swarm
from schedgen_ops.databases import engine_of
from schedgen_ops.databases.contract import DatabaseEngine
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, sh
from schedgen_ops.verify import content, logs, remote_commands
from schedgen_ops.watch import rules
from schedgen_ops.watch.rules import CheckVerdict, Finding

QUICK = ("services", "endpoints")
GROUPS = (*QUICK, "migrations", "queue", "metrics", "logs", "custom")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    Attributes:
        group: the task that looks at it: services, endpoints, ...
        needs: the service without which there is nothing to look at; "" for none.
        judge: what the command's answer means. What it cannot tell from it is unknown, never passed.
    """

    group: str
    name: str
    needs: str
    command: Command
    judge: Callable[[Result], Sequence[Finding]]


def on(settings: s.Settings, host: s.HostSettings, groups: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks of these groups that concern `host`."""
    return tuple(
        check
        for check in _all(settings, host)
        if check.group in groups and (not check.needs or settings.has(host, check.needs))
    )


def judged(checks: Sequence[Check], results: Sequence[Result]) -> tuple[Finding, ...]:
    """Return all findings; an answer that a judge cannot read is unknown."""
    return tuple(
        found for check, result in zip(checks, results, strict=True) for found in _judge(check, result)
    )


def _judge(check: Check, result: Result) -> Sequence[Finding]:
    try:
        return check.judge(result)
    except (ValueError, LookupError, TypeError, AttributeError):
        return (_unknown(check.name, result),)


def _unknown(name: str, result: Result) -> Finding:
    said = (result.stderr.strip() or result.stdout.strip()).splitlines()
    why = said[-1][-200:] if said else f"exit code {result.code}"
    return Finding(name, CheckVerdict.UNKNOWN, f"could not be looked at: {why}", result.seconds)


def _all(settings: s.Settings, host: s.HostSettings) -> Iterator[Check]:
    docker, verify = engine.Docker(settings.sudo), settings.verify
    if not settings.on_swarm:
        yield Check(
            "services", "services", "", docker.containers(settings.project), _services(settings, host)
        )
    elif host == settings.hosts[0]:
        # A manager knows of all of them, wherever they run.
        yield Check("services", "services", "", swarm.look(docker, settings.project), _stack(settings))
    for check in settings.checks_on(host):
        # Whoever runs the checks gives them up together.
        fetch = http.fetch(check.asked, 0)
        yield Check(
            "endpoints", check.name, check.service or "", fetch, _one(partial(content.endpoint, check))
        )
    if settings.migrations and host in settings.migrating_hosts():
        shown = remote_commands.inside(
            docker, settings.project, settings.migrations.service, *settings.migrations.show
        )
        yield Check(
            "migrations",
            "migrations",
            settings.migrations.service,
            shown,
            _one(partial(migrations, settings.migrations)),
        )
    if verify.queue:
        fetch = http.fetch(verify.queue.url, 0)
        yield Check(
            "queue", "queue", verify.queue.service or "", fetch, _one(partial(content.queue, verify.queue))
        )
    if verify.prometheus:
        ask = targets(verify.prometheus)
        yield Check("metrics", "metrics", verify.prometheus.service or "", ask, prometheus)
    since = logs.since_deploy(docker, Paths(settings.directory), settings.project, verify.logs.window)
    yield Check("logs", "logs", "", since, _one(partial(_logs, settings)))
    yield from _custom(settings, docker)


def _custom(settings: s.Settings, docker: engine.Docker) -> Iterator[Check]:
    for check in settings.verify.commands:
        if check.service:
            command = remote_commands.inside(docker, settings.project, check.service, *check.run)
        else:
            command = sh(*check.run).in_dir(settings.directory)
        yield Check("custom", check.name, check.service or "", command, _one(partial(_command, check)))
    for query in settings.verify.queries if settings.database else ():
        assert settings.database
        kind = engine_of(settings.database.engine)
        asked = remote_commands.queries(docker, settings.project, settings.database, query.sql)
        yield Check(
            "custom", query.name, settings.database.service, asked, _one(partial(_query, query, kind))
        )


def _one(judge: Callable[[Result], Finding]) -> Callable[[Result], Sequence[Finding]]:
    return lambda result: (judge(result),)


def _services(settings: s.Settings, host: s.HostSettings) -> Callable[[Result], Sequence[Finding]]:
    def judge(result: Result) -> Sequence[Finding]:
        if not result.ok:
            return (_unknown("services", result),)
        return rules.containers(engine.parse_containers(result.stdout), settings, host)

    return judge


def _stack(settings: s.Settings) -> Callable[[Result], Sequence[Finding]]:
    def judge(result: Result) -> Sequence[Finding]:
        if not result.ok:
            return (_unknown("services", result),)
        found = swarm.parse(result.stdout, settings.project).services
        known = {each.service for each in found}
        lost = [name for tier in settings.tiers for name in tier.services if name not in known]
        passed = {True: CheckVerdict.PASSED, False: CheckVerdict.FAILED}
        return (
            *(Finding(f"service {each.service}", passed[each.good], each.text) for each in found),
            *(Finding(f"service {name}", CheckVerdict.FAILED, "is not there") for name in lost),
        )

    return judge


def migrations(asked: s.Migrations, result: Result) -> Finding:
    """Return whether every migration is executed, naming those that are not."""
    found = schema_standing.parse(asked, result.stdout)
    if not result.ok or found is None:
        return _unknown("migrations", result)
    verdict, text = CheckVerdict.PASSED, f"{len(found.applied)} executed, none pending"
    if found.pending:
        verdict, text = CheckVerdict.FAILED, f"pending: {', '.join(found.pending)}"
    elif not found.applied:
        text = "there are none"
    return Finding("migrations", verdict, text, result.seconds)


def targets(prometheus: s.Prometheus) -> Command:
    """Return the command that asks Prometheus what it scrapes, and whether it can."""
    return host_script(
        "verify/targets",
        title="Prometheus targets",
        url=prometheus.url.rstrip("/"),
        most=http.MOST,
        patience=prometheus.patience,
    )


def prometheus(result: Result) -> Sequence[Finding]:
    """Return a finding for each of Prometheus's targets: whether it is up."""
    found = content.reply("metrics", result, 3600)
    if isinstance(found, Finding):
        return (found,)
    active: list[Any] = json.loads(found.body)["data"]["activeTargets"]
    if not active:
        return (Finding("metrics", CheckVerdict.FAILED, "Prometheus has no targets", found.seconds),)
    return tuple(map(_target, active))


def _target(target: dict[str, Any]) -> Finding:
    labels = target["labels"]
    name = f"target {labels.get('job', '?')} {labels.get('instance', '')}".strip()
    verdict = {"up": CheckVerdict.PASSED, "down": CheckVerdict.FAILED}.get(
        target["health"], CheckVerdict.UNKNOWN
    )
    why = f": {target['lastError']}" if target.get("lastError") else ""
    return Finding(name, verdict, f"{target['health']}{why}")


def _logs(settings: s.Settings, result: Result) -> Finding:
    if not result.ok:
        return _unknown("logs", result)
    return logs.finding(logs.parse(result.stdout, settings.verify.logs), settings.verify.logs)


def _command(check: s.CommandCheck, result: Result) -> Finding:
    if result.code in (remote_commands.NOT_THERE, 124, 126, 127):
        return _unknown(check.name, result)
    if not result.ok:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        why = f": {said[-1][-200:]}" if said else ""
        return Finding(check.name, CheckVerdict.FAILED, f"exit code {result.code}{why}", result.seconds)
    if check.matches is not None and not re.search(check.matches, result.stdout, re.MULTILINE):
        return Finding(
            check.name, CheckVerdict.FAILED, f"said nothing like {check.matches!r}", result.seconds
        )
    return _in_time(check.name, result.seconds, check.within, "done")


def _query(check: s.QueryCheck, kind: DatabaseEngine, result: Result) -> Finding:
    answers = kind.parse_queries(result.stdout)
    if not result.ok or not answers:
        return _unknown(check.name, result)
    rows, seconds = answers[0]
    value = rows.split("\n")[0].split("\t")[0]
    problem = _wrong(check, value)
    if problem:
        return Finding(check.name, CheckVerdict.FAILED, problem, seconds)
    return _in_time(check.name, seconds, check.within, value or "no row")


def _wrong(check: s.QueryCheck, value: str) -> str:
    if check.equals is not None and value != check.equals:
        return f"is {value!r}, not {check.equals!r}"
    if check.at_least is None and check.at_most is None:
        return ""
    try:
        number = float(value)
    except ValueError:
        return f"is {value!r}, which is no number"
    if check.at_least is not None and number < check.at_least:
        return f"is {value}, less than {check.at_least:g}"
    if check.at_most is not None and number > check.at_most:
        return f"is {value}, more than {check.at_most:g}"
    return ""


def _in_time(name: str, seconds: float, within: float, text: str) -> Finding:
    if seconds > within:
        return Finding(name, CheckVerdict.FAILED, f"took {seconds:.2f} s, longer than {within:g} s", seconds)
    return Finding(name, CheckVerdict.PASSED, f"{text}, {seconds * 1000:.0f} ms", seconds)
