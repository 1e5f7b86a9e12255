"""The errors of a command that a host was sent, in the words an operator reads."""

from __future__ import annotations

from schedgen_ops import wire
from schedgen_ops.command_errors import brief, timed_out
from schedgen_ops.errors import CommandFailed, ConnectionLost, Unreachable
from schedgen_ops.masking import mask
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command


def raise_if_stopped(command: Command, result: Result, host: str, deadline: float) -> None:
    """Raise CommandTimedOut if it was the deadline that ended the command."""
    if result.code in (124, 137) and result.seconds >= deadline:
        raise timed_out(command, result, host, deadline)


def lost(command: Command, host: str, why: str) -> ConnectionLost:
    """Return the error for a command of which nobody knows how it ended."""
    return ConnectionLost(
        f"the outcome of `{brief(command)}` on {host} is unknown: {why}",
        hint="It may still be running there, until its own deadline",
        host=host,
    )


def never_ran(command: Command, host: str, output: bytes, code: int) -> CommandFailed:
    """Return the error for a login shell that did not do what it was sent."""
    return CommandFailed(
        f"the login shell of {host} did not run `{brief(command)}` (exit code {code})",
        code=code,
        hint="The login must have a normal shell, and bash and coreutils must be on the host",
        host=host,
        detail=mask(command, "\n".join(wire.text(output).splitlines()[-15:])),
    )


def too_much(command: Command, host: str, limit: int, code: int) -> CommandFailed:
    """Return the error for a command that printed more than is kept."""
    return CommandFailed(
        f"`{brief(command)}` printed more than the {limit} bytes that are kept", code=code, host=host
    )


def no_session(command: Command, host: str, problem: Exception) -> Unreachable:
    """Return the error for a host that is there and opens no channel; the command was not started."""
    return Unreachable(
        f"{host} opens no session for `{brief(command)}`: {problem}",
        hint="Check MaxSessions in the host's sshd_config; it must be 10 or more",
        host=host,
    )


def no_answer(command: Command, host: str, why: str = "") -> Unreachable:
    """Return the error for a host that was there and is not any more; the command was not started."""
    return Unreachable(
        f"{host} does not answer any more; `{brief(command)}` was not started",
        hint="Check your network, your VPN and that the host is up",
        host=host,
        detail=why,
    )
