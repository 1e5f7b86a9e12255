"""Verifies a host: once, or for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType

from schedgen_ops import events
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.log_excerpt import telling
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, sh
from schedgen_ops.verify import checks, logs, own, remote_commands
from schedgen_ops.watch import rules

DEADLINE = 60.0
_QUICK = 30.0
_MEASURING = 300.0
_TRIES = 3

Findings = tuple[rules.Finding, ...]
Look = Callable[[HostContext], Findings]
Seen = Mapping[Command, Result]
_NOTHING: Seen = MappingProxyType({})


def quick(host: HostContext, deadline: float = _QUICK, seen: Seen = _NOTHING) -> Findings:
    """Check every service's containers and every configured request, in one round trip; see `look`."""
    return look(host, checks.QUICK, deadline, seen)


def look(
    host: HostContext, groups: Sequence[str], deadline: float = DEADLINE, seen: Seen = _NOTHING
) -> Findings:
    """Make the checks of these groups at the same time, in one round trip; then those that tasks.py adds.

    Args:
        deadline: seconds after which what did not end is unknown.
        seen: answers that came a moment ago, by their commands: these are not asked again.
    """
    found = checks.on(host.settings, host.entry, groups)
    added = partial(own.findings, host) if "custom" in groups else tuple
    if not found:
        return added()
    asked = [check.command for check in found if check.command not in seen]
    answers = iter(host.remote.together(asked, deadline=deadline))
    results = [seen.get(check.command) or next(answers) for check in found]
    return (*checks.judged(found, results), *added())


def patiently(host: HostContext, deadline: float = _QUICK, tries: int = _TRIES) -> Findings:
    """Check as `quick` does, up to `tries` times until nothing fails: a single slow answer is no verdict."""
    for _ in range(tries):
        findings = quick(host, min(deadline, _QUICK))
        if not rules.failed(findings):
            break
    return findings


def come_up(host: HostContext, seconds: int) -> Findings:
    """Check as `patiently` does, until nothing fails or `seconds` are over, for what was only just started.

    Without a healthcheck nothing else tells when a service answers; and the ingress has to see it first.
    """
    until = host.clock.monotonic() + seconds
    findings = patiently(host)
    for _ in range(seconds):
        if not rules.failed(findings) or host.clock.monotonic() > until:
            break
        # There, so that whoever interrupts what hosts do ends it.
        host.run(sh("sleep", "1"), DEADLINE)
        findings = patiently(host)
    return findings


def tell(host: HostContext, findings: Findings) -> None:
    """Tell how many services and how many URLs a verification that passed looked at."""
    urls = len(checks.on(host.settings, host.entry, ("endpoints",)))
    host.emit(events.Fact("verified", {"services": len(findings) - urls, "urls": urls}, host.name))


def measure(host: HostContext) -> Findings:
    """Measure how fast answers come and how busy the host is; run nothing of ours beside what is measured."""
    from schedgen_ops.verify import performance

    found = performance.on(host.settings, host.entry)
    results = [host.remote.together([check.command], deadline=_MEASURING)[0] for check in found]
    return checks.judged(found, results)


def digest(host: HostContext) -> logs.Digest:
    """Return errors and warnings in the logs since the deploy.

    Raises:
        OpsError: where they could not be read.
    """
    config, where = host.settings.verify.logs, Paths(host.settings.directory)
    command = logs.since_deploy(host.docker, where, host.settings.project, config.window)
    return logs.parse(host.run(command, DEADLINE).stdout, config)


def keep_logs(host: HostContext, release_id: ReleaseId, *, aside: bool = False) -> None:
    """Keep what a release logged, before its containers go; what cannot be kept stops nothing.

    Args:
        aside: begins it and does not wait.
    """
    paths = Paths(host.settings.directory)
    command = logs.keep(host.docker, paths, host.settings.project, release_id, aside=aside)
    with suppress(OpsError):
        host.run(command, DEADLINE)


def settled(host: HostContext, containers: Sequence[engine.Container]) -> None:
    """Wait until `containers` have stayed up for `health.settle` seconds; jobs are over by then.

    Raises:
        OpsError: as soon as one died, with the end of its log; or where nobody could see whether they did.
    """
    ids = [container.id for container in containers if not container.job]
    if not ids:
        return
    seconds = host.settings.health.settle
    command = remote_commands.settle(host.docker, ids, seconds)
    answer = host.run(command, 2 * seconds + DEADLINE, check=False)
    if not answer.ok:
        why = (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]
        raise OpsError(
            f"whether the new containers stayed up is not known: {why}",
            host=host.name,
            hint=engine.ENGINE_HINT,
        )
    died = answer.text
    if not died:
        return
    name, _, code = died.partition(" ")
    raise OpsError(
        f"{name} was healthy and then ended with exit code {code}",
        host=host.name,
        detail=_last_words(host, name),
        hint="It crashes some seconds after its start: read its log, mend it and deploy again.",
    )


def _last_words(host: HostContext, name: str) -> str:
    """What a container wrote last, as far as it tells why it ended; or that its log cannot be read."""
    said = host.run(host.docker.logs(name, 200), _QUICK, check=False)
    if said.ok:
        return "\n".join(telling(said.lines()))
    driver = host.run(host.docker.log_driver(name), _QUICK, check=False)
    return f"its log cannot be read (logging driver {driver.text if driver.ok else 'unknown'})"
