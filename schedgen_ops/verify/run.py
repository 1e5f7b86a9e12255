"""Verifies a host: once, or for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import OpsError
from schedgen_ops.remote import Remote, Result
from schedgen_ops.settings import Settings
from schedgen_ops.telling import telling
from schedgen_ops.verify import commands, plan, watch

_DEADLINE = 60.0
_TRIES = 3


def quick(remote: Remote, settings: Settings) -> tuple[plan.Finding, ...]:
    """One round of all checks: every service's containers, every configured request."""
    host = settings.host(remote.name)
    checks = settings.checks_on(host)
    containers = engine.Docker(settings.sudo).containers(settings.project)
    listing, *results = remote.batch((containers, *plan.requests(checks)), deadline=_DEADLINE)
    if not listing.ok:
        raise OpsError("Docker does not answer", host=remote.name, detail=listing.stderr.strip())
    running = engine.parse_containers(listing.stdout)
    return (*plan.containers(running, settings, host), *plan.answers(checks, results))


def patiently(remote: Remote, settings: Settings) -> tuple[plan.Finding, ...]:
    """`quick`, up to three times until nothing fails: a single slow answer is no verdict."""
    for _ in range(_TRIES):
        findings = quick(remote, settings)
        if not plan.failed(findings):
            break
    return findings


def settled(remote: Remote, settings: Settings, containers: Sequence[engine.Container]) -> None:
    """Waits until `containers` have stayed up for `health.settle` seconds.

    Raises:
        OpsError: as soon as one died, with the end of its log.
    """
    if not containers:
        return
    docker = engine.Docker(settings.sudo)
    ids = [container.id for container in containers]
    seconds = settings.health.settle
    died = remote.run(commands.settle(docker, ids, seconds), deadline=seconds + _DEADLINE).text
    if not died:
        return
    name, _, code = died.partition(" ")
    logs = remote.run(docker.logs(name, 200), deadline=30, check=False)
    raise OpsError(
        f"{name} was healthy and then ended with exit code {code}",
        host=remote.name,
        detail="\n".join(telling(logs.lines())),
        hint="It crashes some seconds after its start: read its log, mend it and deploy again.",
    )


def extended(
    remote: Remote, settings: Settings, seconds: int, tell: Callable[[watch.Tally], None]
) -> watch.Tally:
    """Asks the configured URLs for `seconds`, on the host itself, and tells after every round.

    Raises:
        OpsError: where nothing is configured to be asked.
    """
    checks = settings.checks_on(settings.host(remote.name))
    if not checks:
        raise OpsError("no checks are configured for this host", host=remote.name)
    interval = settings.watch.interval
    tally = watch.Tally(duration=seconds, interval=interval)
    command = commands.watch(checks, tally.rounds, interval, plan.patience(checks))

    def on_line(line: str) -> None:
        nonlocal tally
        results = [Result(part, "", 0, 0.0) for part in line.split("\t")]
        tally = tally.add(plan.answers(checks, results))
        tell(tally)

    longest = tally.rounds * (interval + len(checks) * plan.patience(checks))
    remote.stream(command, on_line, deadline=longest + _DEADLINE)
    return tally
