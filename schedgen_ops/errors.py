"""Everything that can go wrong, each with an exit code and a hint.

OpsError                    5  failed and needs a human
├── ConfigError             2  usage or configuration
├── Refused                 3  refused before any change
├── RolledBack              4  failed, and the old release serves
├── VerificationFailed      6
├── Overruled               5  somebody else was at work: nothing was taken back
├── LockHeld                7
├── Unreachable             8  no connection to a host
│   ├── UnknownHostKey
│   ├── HostKeyChanged
│   ├── KeyRefused
│   └── ConnectionLost         died while a command ran: its outcome is unknown
│       └── HandedOver         the host goes on by itself, and nothing may be taken back from here
└── CommandFailed           5  a remote command ended with an error
    └── CommandTimedOut
"""

from __future__ import annotations


class OpsError(Exception):
    """A failure to show to an operator: a sentence, where it happened, what to do next.

    Args:
        message: one sentence, without a trailing full stop.
        hint: what to do next; may have several lines.
        host: the host's name in the configuration, if it is about one.
        step: the title of the step that failed, if one ran.
        detail: the lines of output that matter, shown indented.

    Attributes:
        outcome: what is so now, in words, where the exit code alone does not say it.
    """

    exit_code = 5
    outcome = ""

    def __init__(
        self, message: str, *, hint: str = "", host: str = "", step: str = "", detail: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.host = host
        self.step = step
        self.detail = detail


class ConfigError(OpsError):
    """A wrong option, a wrong file, a wrong variable.

    Args:
        problems: every problem found, one line each, shown below the message.
    """

    exit_code = 2

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint, detail="\n".join(problems))
        self.problems = problems


class Refused(OpsError):
    """The host is not ready, and nothing was changed."""

    exit_code = 3


class RolledBack(OpsError):
    """The run failed, what it changed was undone, and the old release serves."""

    exit_code = 4


class VerificationFailed(OpsError):
    """What runs does not pass its checks."""

    exit_code = 6


class Overruled(OpsError):
    """The lock was lost, and what is on a host may be somebody else's work: nothing there may be touched."""


class LockHeld(OpsError):
    """Somebody else is at work on the environment."""

    exit_code = 7


class Unreachable(OpsError):
    """No connection could be made, or it was lost."""

    exit_code = 8


class UnknownHostKey(Unreachable):
    """The host's key is in no known_hosts file."""


class HostKeyChanged(Unreachable):
    """The host shows another key than known_hosts has."""


class KeyRefused(Unreachable):
    """The host accepted none of the operator's keys."""


class ConnectionLost(Unreachable):
    """The connection died while a command ran; whether it finished is unknown."""


class HandedOver(ConnectionLost):
    """The connection was lost, and the host finishes by itself what was begun: nothing is taken back here."""


class CommandFailed(OpsError):
    """A remote command ended with an error.

    Args:
        code: its exit status, or None where none arrived.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        hint: str = "",
        host: str = "",
        step: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message, hint=hint, host=host, step=step, detail=detail)
        self.code = code


class CommandTimedOut(CommandFailed):
    """A remote command was ended at its deadline."""
