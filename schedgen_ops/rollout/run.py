"""Replaces a service's containers on a host, and puts the old ones back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import GRACE
from schedgen_ops.errors import OpsError
from schedgen_ops.log_excerpt import telling
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.remote import Remote, Result, last_lines
from schedgen_ops.rollout import port_handover, scripts
from schedgen_ops.rollout.strategy import Strategy
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# The scripts and Compose end by themselves; a command's own deadline only catches a hung engine. It counts
# the time that the containers which are stopped have to end by themselves.
_MARGIN = 180.0
_LOG_LINES = 200

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Replaced:
    """How long it took to replace a service.

    Attributes:
        seconds: all of it.
        ending: the last of them, in which new containers did all that came, and old ones ended what they had.
    """

    seconds: float
    ending: float = 0.0


def replace(
    remote: Remote,
    compose: Compose,
    release: str,
    service: str,
    record: ServiceRecord,
    settings: Settings,
    show: Show,
    share: int = 100,
    grace: float = GRACE,
) -> Replaced:
    """Starts `service` as the release `release` defines it, and waits until it is healthy.

    Args:
        record: the service as that release has it; it says how it is replaced.
        show: takes the lines that it wrote, should it fail.
        share: percent of the requests that it gets behind the ingress, while the old one has the rest; see
            `scripts.start_beside`.
        grace: seconds that its containers have to end by themselves.

    Raises:
        OpsError: when it did not get healthy, with the end of its log.
    """
    paths = Paths(settings.directory)
    folder, wait = paths.release(release), settings.health.deadline
    if record.strategy == Strategy.STOP_FIRST:
        return _in_place(remote, compose, folder, service, wait, show, grace)
    drain = settings.rollout.drain
    command = scripts.start_beside(compose, paths.state, folder, service, record, wait, drain, share)
    answer = remote.run(command, deadline=wait + drain + grace + _MARGIN, check=False)
    said = _said(answer)
    for line in said:
        show(line)
    if not answer.ok:
        logs = [line.partition(" | ")[2] for line in said if line.startswith(f"{service} | ")]
        # Where no container came up, Compose knows why.
        logs = logs or answer.stderr.strip().splitlines()[:-1]
        raise _failed(remote, service, _reason(answer), answer.seconds, logs)
    ending = [int(line.split()[1]) for line in answer.lines() if line.startswith("ended ")]
    return Replaced(answer.seconds, max([0, *ending]) / 1e6)


def _in_place(
    remote: Remote, compose: Compose, folder: str, service: str, wait: int, show: Show, grace: float
) -> Replaced:
    command = compose.up(folder, service, wait)
    answer = remote.run(command, deadline=wait + grace + _MARGIN, check=False)
    if answer.ok:
        return Replaced(answer.seconds)
    logs = remote.run(compose.logs(folder, service, _LOG_LINES), deadline=30, check=False).lines()
    for line in logs:
        show(f"{service} | {line}")
    raise _failed(remote, service, _reason(answer, command), answer.seconds, list(logs))


def _said(answer: Result) -> list[str]:
    return [line.removeprefix("say ") for line in answer.lines() if line.startswith("say ")]


def _reason(answer: Result, command: Command | None = None) -> str:
    text = last_lines(command, answer) if command else answer.stderr.strip()
    return (text.splitlines() or [f"exit code {answer.code}"])[-1]


def _failed(remote: Remote, service: str, reason: str, seconds: float, logs: list[str]) -> OpsError:
    return OpsError(
        f"Service {service} failed health check after {seconds:.0f}s",
        host=remote.name,
        detail="\n".join([reason, *telling(logs)]),
        hint=f"Mend {service} and deploy again. The run's log has the last {_LOG_LINES} lines it wrote.",
    )


def open_ingress(
    remote: Remote,
    compose: Compose,
    release: str,
    behind: Mapping[str, ServiceRecord],
    settings: Settings,
    *,
    repair: bool = False,
    grace: float = GRACE,
) -> float | None:
    """The ingress as a release has it. If there is none yet, it takes over the ports of `behind`.

    Args:
        repair: whether what a killed run left closed is opened again.

    Returns:
        how long the ports answered nobody, in seconds: 0 where they did not change hands; None where the
        ingress was so already and nothing was done.

    Raises:
        OpsError: when it could not; then everything is as it was, unless it says otherwise.
    """
    paths = Paths(settings.directory)
    wait = settings.health.deadline
    command = port_handover.ingress(compose, paths, paths.release(release), behind, wait, repair=repair)
    # Should it go back, those that it began with are stopped as well.
    answer = remote.run(command, deadline=2 * wait + 2 * grace + _MARGIN, check=False)
    if answer.code == port_handover.NOT_BACK:
        raise OpsError(
            f"the published ports are not served as they were: {_reason(answer)}",
            host=remote.name,
            hint="`inv deploy.recover` starts what was stopped.",
        )
    if not answer.ok:
        raise OpsError(
            f"the ingress did not take the ports over: {_reason(answer)}",
            host=remote.name,
            detail="\n".join(telling(answer.stderr.strip().splitlines()[:-1])),
            hint="The services publish their ports themselves, as before.",
        )
    lines = answer.lines()
    if "changed" not in lines:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("gap ")) / 1e6


def retire(
    remote: Remote,
    compose: Compose,
    release: str,
    service: str,
    record: ServiceRecord,
    settings: Settings,
    grace: float = GRACE,
) -> None:
    """The containers that `release` replaced behind the ingress drained, stopped and removed.

    Raises:
        OpsError: when they could not.
    """
    _end(remote, compose, release, service, record, settings, grace, back=False)


def revert(
    remote: Remote,
    compose: Compose,
    release: str,
    service: str,
    record: ServiceRecord,
    settings: Settings,
    grace: float = GRACE,
) -> bool:
    """The containers of `release` removed, and those that it was to replace serving again, as they still run.

    Returns:
        False, and nothing is changed, where those are gone or not well.
    """
    return _end(remote, compose, release, service, record, settings, grace, back=True)


def _end(
    remote: Remote,
    compose: Compose,
    release: str,
    service: str,
    record: ServiceRecord,
    settings: Settings,
    grace: float,
    *,
    back: bool,
) -> bool:
    state, drain = Paths(settings.directory).state, settings.rollout.drain
    command = scripts.retire(compose, state, service, record, drain, release=release, back=back)
    answer = remote.run(command, deadline=drain + grace + _MARGIN, check=False)
    if answer.code not in (0, 10) or (answer.code and not back):
        raise OpsError(
            f"the old containers of {service} were not removed: {_reason(answer)}", host=remote.name
        )
    return answer.ok


def remove(remote: Remote, compose: Compose, release: str, service: str, grace: float = GRACE) -> None:
    """Takes away the containers of a service that the release before did not have."""
    remote.run(compose.stop(release, service), deadline=grace + _MARGIN)
