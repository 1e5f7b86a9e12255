"""Verifies a host: once, or for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import OpsError
from schedgen_ops.log_excerpt import telling
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.verify import checks, logs, own, remote_commands
from schedgen_ops.watch import rules

DEADLINE = 60.0
_QUICK = 30.0
_MEASURING = 300.0
_TRIES = 3

Findings = tuple[rules.Finding, ...]
Look = Callable[[Remote], Findings]


def quick(remote: Remote, settings: Settings) -> Findings:
    """Every service's containers and every configured request, in one round trip."""
    return look(remote, settings, checks.QUICK, _QUICK)


def look(remote: Remote, settings: Settings, groups: Sequence[str], deadline: float = DEADLINE) -> Findings:
    """The checks of these groups, all at the same time, in one round trip; then those that tasks.py adds.

    Args:
        deadline: seconds after which what did not end is unknown.
    """
    found = checks.on(settings, settings.host(remote.name), groups)
    added = partial(own.findings, remote, settings) if "custom" in groups else tuple
    if not found:
        return added()
    answers = remote.together([check.command for check in found], deadline=deadline)
    return (*checks.judged(found, answers), *added())


def patiently(remote: Remote, settings: Settings) -> Findings:
    """`quick`, up to three times until nothing fails: a single slow answer is no verdict."""
    for _ in range(_TRIES):
        findings = quick(remote, settings)
        if not rules.failed(findings):
            break
    return findings


def measure(remote: Remote, settings: Settings) -> Findings:
    """How fast answers come and how busy the host is; nothing of ours runs beside what is measured."""
    from schedgen_ops.verify import performance

    found = performance.on(settings, settings.host(remote.name))
    results = [remote.together([check.command], deadline=_MEASURING)[0] for check in found]
    return checks.judged(found, results)


def digest(remote: Remote, settings: Settings) -> logs.Digest:
    """Errors and warnings in the logs since the deploy.

    Raises:
        OpsError: where they could not be read.
    """
    docker, where = engine.Docker(settings.sudo), Paths(settings.directory)
    command = logs.since_deploy(docker, where, settings.project, settings.verify.logs.window)
    return logs.parse(remote.run(command, deadline=DEADLINE).stdout, settings.verify.logs)


def keep_logs(remote: Remote, settings: Settings, release: str, *, aside: bool = False) -> None:
    """Keeps what a release logged, before its containers go; what cannot be kept stops nothing.

    Args:
        aside: begins it and does not wait.
    """
    docker, paths = engine.Docker(settings.sudo), Paths(settings.directory)
    command = logs.keep(docker, paths, settings.project, release, aside=aside)
    with suppress(OpsError):
        remote.run(command, deadline=DEADLINE)


def settled(remote: Remote, settings: Settings, containers: Sequence[engine.Container]) -> None:
    """Waits until `containers` have stayed up for `health.settle` seconds.

    Raises:
        OpsError: as soon as one died, with the end of its log; or where nobody could see whether they did.
    """
    if not containers:
        return
    docker = engine.Docker(settings.sudo)
    ids = [container.id for container in containers]
    seconds = settings.health.settle
    answer = remote.run(
        remote_commands.settle(docker, ids, seconds), deadline=2 * seconds + DEADLINE, check=False
    )
    if not answer.ok:
        why = (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]
        raise OpsError(
            f"whether the new containers stayed up is not known: {why}",
            host=remote.name,
            hint="Look at the Docker Engine of the host: `journalctl -u docker`.",
        )
    died = answer.text
    if not died:
        return
    name, _, code = died.partition(" ")
    raise OpsError(
        f"{name} was healthy and then ended with exit code {code}",
        host=remote.name,
        detail=_last_words(remote, docker, name),
        hint="It crashes some seconds after its start: read its log, mend it and deploy again.",
    )


def _last_words(remote: Remote, docker: engine.Docker, name: str) -> str:
    """What a container wrote last, as far as it tells why it ended; or that its log cannot be read."""
    said = remote.run(docker.logs(name, 200), deadline=_QUICK, check=False)
    if said.ok:
        return "\n".join(telling(said.lines()))
    driver = remote.run(docker.log_driver(name), deadline=_QUICK, check=False)
    return f"its log cannot be read (logging driver {driver.text if driver.ok else 'unknown'})"
