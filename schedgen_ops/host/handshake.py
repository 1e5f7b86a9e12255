"""The beginning of an SSH connection, up to the exchange of keys, by one deadline."""

from __future__ import annotations

from threading import Event
from typing import Any

from paramiko import SSHException, Transport
from paramiko.ssh_exception import IncompatiblePeer

from schedgen_ops.errors import Unreachable
from schedgen_ops.host.known_hosts import Known
from schedgen_ops.host.trust import preferred

# Paramiko's own deadlines, each for a part of the same: none may come before the one that counts.
_NEVER = 24 * 3600.0


class KeyExchange(Transport):
    """A transport that asks for known types of keys first, and says in one way why nothing came of it.

    Args:
        label: how messages name the host; `place` is where it answers.
        known: what known_hosts says of it.
        seconds: how long the greeting and the exchange of keys may take together.
    """

    def __init__(
        self, sock: Any, *, label: str, place: str, known: Known, seconds: float, **options: Any
    ) -> None:
        self._label = label
        self._place = place
        self._known = known
        self._seconds = seconds
        self._said = ""
        super().__init__(sock, **options)

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The types of host keys, the best first."""
        return preferred(super().preferred_keys, self._known)

    def start_client(self, event: Event | None = None, timeout: float | None = None) -> None:  # noqa: ARG002
        """Exchange keys.

        Raises:
            Unreachable: with the reason in words.
        """
        self.handshake_timeout = _NEVER
        self._listen()
        ended = Event()
        super().start_client(event=ended)
        if not ended.wait(self._seconds):
            raise self._unreachable(*self._silence())
        if not self.is_active():
            raise self._unreachable(*self._end(self.get_exception()))

    def _listen(self) -> None:
        """Keep what is said before the SSH greeting, for as long as it takes."""
        packetizer: Any = self.packetizer
        readline = packetizer.readline

        def line(_: float) -> str:
            said: str = readline(_NEVER)
            self._said = said if not said.startswith("SSH-") else self._said
            return said

        packetizer.readline = line

    def _silence(self) -> tuple[str, str]:
        if self.remote_version:
            return (
                f"the SSH server on {self._place} fell silent: no keys exchanged within {self._seconds:g} s",
                "See the log of sshd on the host, and the MTU on the way to it",
            )
        if self._said:
            return self._no_server()
        return (
            f"{self._place} accepts connections and gives no SSH greeting within {self._seconds:g} s",
            "Check the port; a host that is out of memory, or whose disk hangs, looks the same",
        )

    def _end(self, problem: BaseException | None) -> tuple[str, str]:
        # What the kernel gave up on, by a limit that the keep-alive sets, was silent too.
        if isinstance(problem, TimeoutError) or "timed out" in str(problem):
            return self._silence()
        if not self.remote_version:
            return self._no_server()
        if isinstance(problem, IncompatiblePeer):
            return f"the SSH server on {self._place} and we have nothing in common: {problem}", _LOG
        if isinstance(problem, SSHException):
            return f"the SSH connection to {self._place} failed: {problem}", _LOG
        why = f": {getattr(problem, 'strerror', None) or problem}" if isinstance(problem, OSError) else ""
        return f"the SSH server on {self._place} closed the connection before keys were exchanged{why}", _LOG

    def _no_server(self) -> tuple[str, str]:
        said = f": it says {self._said.strip()[:60]!r}" if self._said.strip() else ""
        return (
            f"what answers on {self._place} is no SSH server{said}",
            "Check the port; an overloaded sshd that closes new connections looks the same",
        )

    def _unreachable(self, reason: str, hint: str) -> Unreachable:
        return Unreachable(f"{self._label} cannot be reached: {reason}", hint=hint, host=self._label)


_LOG = "See the log of sshd on the host; too many connections at once (MaxStartups) look the same"
