"""Performs the operations of a roll-out on a host, and reads what the host tells of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from schedgen_ops.command_errors import last_lines
from schedgen_ops.commands.docker import GRACE
from schedgen_ops.errors import OpsError
from schedgen_ops.log_excerpt import telling
from schedgen_ops.orchestrators.contract import NOT_BACK
from schedgen_ops.remote import Remote, Result
from schedgen_ops.rollout.operations import Bring, Remove, Retire, Revert, SetIngress, ends
from schedgen_ops.rollout.reach import CutOff
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.shell import Command

# The scripts and Compose end by themselves; a command's own deadline only catches a hung engine. It counts
# the time that the containers which are stopped have to end by themselves.
_MARGIN = 180.0
# What an ingress that goes has to end what it has begun.
_INGRESS_GRACE = 60.0
_LOG_LINES = 200

Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class IngressSet:
    """An ingress that was set as a release has it.

    Attributes:
        gap: how long the ports answered nobody, in seconds: 0 where they did not change hands; None where the
            ingress was so already and nothing was done.
        led: whether new connections were led past a change of hands.
        told: what the operator has to know of it.
    """

    gap: float | None = 0.0
    led: bool = False
    told: tuple[str, ...] = ()

    @property
    def meanwhile(self) -> str:
        """What visitors had while the ports changed hands."""
        return (
            f"they answered nobody for {self.gap:.2f}s" if self.gap else "new connections were led past that"
        )


def start(
    remote: Remote, commands: OperationRenderer, operation: Bring, show: Show, grace: float = GRACE
) -> float:
    """Start a service as a release defines it; return the seconds until it was well, or a job had ended.

    Beside what runs that is when its healthcheck passes: `confirm` waits for the engine to say so.

    Args:
        show: takes the lines that it wrote, should it fail.
        grace: seconds that its containers have to end by themselves.

    Raises:
        OpsError: when it did not get healthy, with the end of its log.
    """
    how = operation.how
    if not (how.beside or how.tells):
        return _in_place(remote, commands, operation, show, grace)
    service, deadline = operation.new.service, how.patience(commands) + commands.drain + grace + _MARGIN
    answer = remote.run(commands(operation), deadline=deadline, check=False)
    said = _said(answer)
    for line in said:
        show(line)
    if not answer.ok:
        logs = [line.partition(" | ")[2] for line in said if line.startswith(f"{service} | ")]
        # Where no container came up, Compose knows why.
        logs = logs or answer.stderr.strip().splitlines()[:-1]
        raise _failed(remote, operation, _reason(answer), answer.seconds, logs)
    return answer.seconds


def _in_place(
    remote: Remote, commands: OperationRenderer, operation: Bring, show: Show, grace: float
) -> float:
    command = commands(operation)
    patience = operation.how.patience(commands)
    answer = remote.run(command, deadline=patience + grace + _MARGIN, check=False)
    if answer.ok:
        return answer.seconds
    logs = _log(remote, commands, operation, show)
    raise _failed(remote, operation, _reason(answer, command), answer.seconds, logs)


def confirm(
    remote: Remote, commands: OperationRenderer, operation: Bring, containers: Sequence[str], show: Show
) -> None:
    """Wait for the engine to call containers of a service healthy, which started beside what runs.

    Raises:
        OpsError: when it does not, with the end of their log.
    """
    asked = commands.orchestrator.well(containers, commands.wait)
    answer = remote.run(asked, deadline=commands.wait + _MARGIN, check=False)
    if not answer.ok:
        logs = _log(remote, commands, operation, show)
        raise _failed(remote, operation, _reason(answer), answer.seconds, logs)


def _log(remote: Remote, commands: OperationRenderer, operation: Bring, show: Show) -> list[str]:
    """The end of what a service wrote, which is shown."""
    folder, service = commands.paths.release(operation.new.release_id), operation.new.service
    asked = commands.orchestrator.logs(folder, service, _LOG_LINES)
    logs = list(remote.run(asked, deadline=30, check=False).lines())
    for line in logs:
        show(f"{service} | {line}")
    return logs


def _said(answer: Result) -> list[str]:
    return [line.removeprefix("say ") for line in answer.lines() if line.startswith("say ")]


def _reason(answer: Result, command: Command | None = None) -> str:
    text = last_lines(command, answer) if command else answer.stderr.strip()
    return (text.splitlines() or [f"exit code {answer.code}"])[-1]


def _failed(remote: Remote, operation: Bring, reason: str, seconds: float, logs: list[str]) -> OpsError:
    service, ends = operation.new.service, operation.how.ends
    # What is a job was found out by what the file says, and how its containers stand.
    other = ""
    if not ends and reason.endswith(("ended with exit code 0", "exited (0)")):
        other = f" If {service} is a job, which is to end, name it in rollout.jobs."
    elif ends and reason.startswith("had not ended"):
        other = f" If {service} needs longer, rollout.job_deadline; if it is to stay, rollout.stop_first."
    return OpsError(
        f"Job {service} failed after {seconds:.0f}s"
        if ends
        else f"Service {service} failed health check after {seconds:.0f}s",
        host=remote.name,
        detail="\n".join([reason, *telling(logs)]),
        hint=f"Mend {service} and deploy again. The run's log has the last {_LOG_LINES} lines it wrote."
        + other,
    )


def set_ingress(
    remote: Remote, commands: OperationRenderer, operation: SetIngress, grace: float = GRACE
) -> IngressSet:
    """Set the ingress as a release has it; the first one takes over the ports of what is behind it.

    Raises:
        OpsError: when it could not; then everything is as it was, unless it says otherwise.
    """
    # Should it go back, those that it began with are stopped as well. One that is tried out ends too.
    deadline = 2 * commands.wait + 2 * grace + commands.drain + 2 * _INGRESS_GRACE + _MARGIN
    answer = remote.run(commands(operation), deadline=deadline, check=False)
    if answer.code == NOT_BACK:
        raise not_as_they_were(remote.name, answer)
    if not answer.ok:
        what, hint = (
            ("did not take the ports over", "The services publish their ports themselves, as before.")
            if operation.first
            else ("is not as this release has it", "`inv status` says whether it runs, `inv doctor` why not.")
        )
        raise OpsError(
            f"the ingress {what}: {_reason(answer)}",
            host=remote.name,
            detail="\n".join(telling(answer.stderr.strip().splitlines()[:-1])),
            hint=hint,
        )
    done = changed_hands(answer)
    return done if "changed" in answer.lines() else replace(done, gap=None)


def changed_hands(answer: Result) -> IngressSet:
    """Read what a script tells of ports that changed hands."""
    lines = answer.lines()
    gap = sum(int(line.split()[1]) for line in lines if line.startswith("gap ")) / 1e6
    return IngressSet(gap, "detour" in lines, tuple(_said(answer)))


def not_as_they_were(name: str, answer: Result) -> OpsError:
    """Return the error of a host whose ports were left to nobody."""
    return OpsError(
        f"the published ports are not served as they were: {_reason(answer)}",
        host=name,
        hint="`inv deploy.recover` starts what was stopped.",
    )


def end(
    remote: Remote,
    commands: OperationRenderer,
    operation: Retire | Revert,
    tell: Show,
    grace: float = GRACE,
) -> bool:
    """Drain, stop and remove one side of the containers of a service.

    Args:
        tell: takes what an operator should know of requests that were open.

    Returns:
        False, and nothing is changed, where what is to serve again is gone or not well.

    Raises:
        OpsError: when they could not.
    """
    back = isinstance(operation, Revert)
    answer = remote.run(commands(operation), deadline=commands.drain + grace + _MARGIN, check=False)
    for line in _said(answer):
        tell(line)
    if answer.code not in (0, 10) or (answer.code and not back):
        service = operation.new.service
        raise OpsError(
            f"the old containers of {service} were not removed: {_reason(answer)}", host=remote.name
        )
    return answer.ok


def cut_off(remote: Remote, commands: OperationRenderer, operation: CutOff, tell: Show) -> None:
    """Put what was replaced out of reach, for as long as nobody knows whether it is needed.

    Args:
        tell: takes what an operator should know of requests that were open.

    Raises:
        OpsError: when it could not.
    """
    answer = remote.run(commands(operation), deadline=commands.drain + _MARGIN, check=False)
    for line in _said(answer):
        tell(line)
    if not answer.ok:
        why = "what replaces it is not well" if answer.code == 10 else _reason(answer)
        raise OpsError(f"what {operation.new} replaced was not cut off: {why}", host=remote.name)


def remove(remote: Remote, commands: OperationRenderer, operation: Remove, grace: float = GRACE) -> None:
    """Remove the containers of a service that the release before did not have, or of a job."""
    # What still runs it is waited for.
    patience = registry.of(operation.new.record).patience(commands) if ends(operation.new) else 0
    remote.run(commands(operation), deadline=patience + grace + _MARGIN)
