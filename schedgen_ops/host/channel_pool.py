"""Carries requests to a host and makes sure of what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore
from time import monotonic, sleep

from paramiko import Channel, Transport

from schedgen_ops import wire
from schedgen_ops.errors import OpsError, Unreachable
from schedgen_ops.host import agent as agents
from schedgen_ops.host import channel as channels
from schedgen_ops.host import failures
from schedgen_ops.host.channel import BROKEN
from schedgen_ops.host.connection import Link
from schedgen_ops.shell import Command

# sshd allows ten sessions on a connection; two are left for held processes.
_SESSIONS = 8
# Seconds that a host gets beyond a command's deadline before it counts as gone.
_GRACE = wire.KILL_AFTER + 5.0
_KILL_SECONDS = 2.0
_PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0)
# The longest of them for a place on a connection that others use too: one of our own is soon made.
_SHARED = 0.1
# Seconds within which the end of a connection is noticed after that of its channels.
_NOTICED = 1.0
_KILLED = 137


class ChannelPool:
    """The one connection to a host: made when it is first needed, and again when it was lost in between.

    Usable from several threads: each request has a channel of its own.
    """

    def __init__(self, name: str, link: Link) -> None:
        self._name = name
        self._link = link
        self._slots = BoundedSemaphore(_SESSIONS)
        self._running: set[str] = set()
        self._closed = False
        self._reached = False

    def execute(
        self,
        command: Command,
        request: wire.Request,
        out: channels.Sink,
        err: channels.Sink,
        deadline: float,
    ) -> int:
        """Send a request, hand over its output as it comes, and return the exit status.

        Raises:
            ConnectionLost: when none arrived, so that nobody knows how the command ended.
        """

        def talk(channel: Channel, until: float) -> int | None:
            channel.exec_command(request.line)
            return channels.exchange(channel, request.stdin, out, err, until)

        return self.converse(command, request.nonce, talk, deadline)

    def converse(
        self,
        command: Command,
        nonce: str,
        talk: Callable[[Channel, float], int | None],
        deadline: float,
    ) -> int:
        """Run a command by `talk` on a channel of its own, and return the exit status.

        Args:
            talk: starts the command and returns its exit status, None where none arrived until the moment
                of the monotonic clock that it is given.

        Raises:
            ConnectionLost: when none arrived, so that nobody knows how the command ended.
        """
        with self._slots, self._channel(command, nonce) as channel:
            until = monotonic() + deadline + _GRACE
            try:
                code = talk(channel, until)
            except BROKEN as problem:
                raise self._broken(command, channel, problem) from problem
            return self._verdict(command, channel, until) if code is None else code

    def session(self, command: Command) -> Channel:
        """Return a new channel for a command.

        Raises:
            Unreachable: when there is no connection, or no room on it. Nothing was started.
        """
        transport = self._transport_for(command)
        for pause in (*_PAUSES, None):
            try:
                return self._lending(transport.open_session())
            except BROKEN as problem:
                late = pause is None or pause > _SHARED or "Timeout" in str(problem)
                if (late or not transport.is_active()) and self._link.unshare(transport):
                    return self.session(command)
                if not transport.is_active():
                    break
                if "Timeout" in str(problem):
                    self._link.client.close()
                    raise failures.no_answer(command, self._name) from problem
                if pause is None:
                    raise failures.no_session(command, self._name, problem) from problem
                # sshd counts a session for a moment after it was closed.
                sleep(pause)
        # The connection had died unnoticed, before anything was sent: a new one does no harm.
        try:
            return self._lending(self._transport_for(command).open_session())
        except BROKEN as problem:
            raise failures.no_answer(command, self._name) from problem

    def _transport_for(self, command: Command) -> Transport:
        """The connection. That a host fell silent is told alike, whichever deadline noticed it first."""
        try:
            found = self.transport()
        except Unreachable as problem:
            if not self._reached or self._closed or type(problem) is not Unreachable:
                raise
            raise failures.no_answer(command, self._name, problem.message) from problem
        self._reached = True
        return found

    def transport(self) -> Transport:
        """Return the connection, opened if need be. Raises Unreachable with the reason."""
        if self._closed:
            raise Unreachable(f"the connection to {self._name} was closed", host=self._name)
        return self._link.open()

    def interrupt(self) -> None:
        """End all commands that run."""
        self.kill(tuple(self._running))

    def kill(self, nonces: Sequence[str]) -> None:
        """End commands on the host; where that does not work out, their own deadlines will."""
        if not nonces or not self._link.is_connected:
            return
        request = wire.killer(nonces)
        with suppress(*BROKEN), self._link.open().open_session(timeout=_KILL_SECONDS) as channel:
            channel.settimeout(_KILL_SECONDS)
            channel.exec_command(request.line)
            channels.feed(channel, request.stdin)
            channel.status_event.wait(_KILL_SECONDS)

    def close(self) -> None:
        """End the connection."""
        self._closed = True
        with suppress(*BROKEN):
            self._link.close()

    def _lending(self, channel: Channel) -> Channel:
        """A channel whose command may use the operator's agent, where ssh_config says so."""
        if self._link.lent is not None:
            agents.lend(channel, self._link.lent)
        return channel

    @contextmanager
    def _channel(self, command: Command, nonce: str) -> Iterator[Channel]:
        channel = self.session(command)
        self._running.add(nonce)
        try:
            yield channel
        except OpsError:
            raise
        except BaseException:
            # Ctrl-C, or a listener to the output that failed: the command is not wanted any more.
            self.kill((nonce,))
            raise
        finally:
            self._running.discard(nonce)
            channels.close(channel)

    def _broken(self, command: Command, channel: Channel, problem: Exception) -> Exception:
        """What to raise for a problem that came up once the channel was there."""
        if isinstance(problem, OSError) and self._link.is_connected:
            # Not of the connection: it comes from whoever takes the output.
            return problem
        if self._gone(channel):
            return failures.lost(command, self._name, "the connection was lost while it ran")
        return failures.no_session(command, self._name, problem)

    def _verdict(self, command: Command, channel: Channel, until: float) -> int:
        """What to make of a command without an exit status."""
        now = monotonic()
        if self._gone(channel):
            raise failures.lost(command, self._name, "the connection was lost while it ran")
        if now >= until:
            raise failures.lost(command, self._name, f"no word {_GRACE:g} s after its deadline")
        if now >= until - _GRACE + wire.KILL_AFTER:
            # timeout kills its whole process group, itself included.
            return _KILLED
        raise failures.lost(command, self._name, "it was killed there")

    def _gone(self, channel: Channel) -> bool:
        """Whether the channel ended with its connection, and not by itself."""
        transport = channel.get_transport()
        # Its thread tells the channels first, and is over when the connection counts as closed.
        transport.join(_NOTICED)
        return not transport.is_active()
