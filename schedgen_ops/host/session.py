"""A host over SSH: every command on a channel of its own of one connection."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from schedgen_ops import parallel_batch, wire
from schedgen_ops.command_errors import brief, checked
from schedgen_ops.ends import Ends
from schedgen_ops.errors import CommandFailed
from schedgen_ops.host import attached, failures
from schedgen_ops.host import channel as channels
from schedgen_ops.host.capture import Bytes, Capture, Lines
from schedgen_ops.host.channel_pool import ChannelPool
from schedgen_ops.host.connection import Link
from schedgen_ops.host.remote_process import SshProcess
from schedgen_ops.host.tunnel import Tunnel
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import CAPTURE_LIMIT, Result
from schedgen_ops.shell import Command, sh

# Bytes a second that the slowest link still worth using moves.
_TRANSFER_RATE = 50_000
# Seconds that ending what is late may take.
_ENDING = 10.0


class Host:
    """One host of the environment; see `remote.Remote` for what each method promises.

    The connection is made when it is first needed, and again when it was lost between two commands.

    Attributes:
        banner: the first line that the login shell prints by itself, once a command ran; mostly "".
    """

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self.banner = ""
        self._pool = ChannelPool(name, link)
        self._link = link

    @property
    def notes(self) -> tuple[str, ...]:
        """What of ssh_config was not understood; hosts that were made together have the same."""
        notes: tuple[str, ...] = self._link.network.notes
        return notes

    def open(self) -> None:
        """Connect now. Raises Unreachable with the reason."""
        self._pool.transport()

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        """Run a command and return all that it printed."""
        answer, code, seconds = self._capture(command, deadline, limit)
        result = Result(wire.text(answer.stdout), wire.text(answer.stderr), code, seconds)
        return checked(command, result, self.name) if check else result

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """Run commands one after the other in one round trip."""
        if not commands:
            return ()
        nonce = secrets.token_hex(8)
        request = wire.several(commands, deadline=deadline, nonce=nonce)
        capture = Capture(CAPTURE_LIMIT)
        whole = Command(brief(commands[0]), title=f"{brief(commands[0])} and {len(commands) - 1} more")
        started = monotonic()
        code = self._pool.execute(whole, request, capture.out, capture.err, deadline)
        answer = self._framed(whole, capture, nonce, code)
        found = wire.results(answer, nonce)
        if len(found) < len(commands):
            stopped = commands[len(found)]
            result = Result("", "", code, monotonic() - started)
            failures.raise_if_stopped(stopped, result, self.name, deadline)
            raise failures.lost(stopped, self.name, f"the batch ended there with exit code {code}")
        return found

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """Run commands at the same time in one round trip."""
        if not commands:
            return ()
        said = self.run(parallel_batch.together(commands, deadline), deadline=deadline + _ENDING)
        return parallel_batch.results(said.stdout, len(commands), deadline)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        """Run a command and hand over each line as it comes."""
        nonce = secrets.token_hex(8)
        request = wire.single(command, deadline=deadline, nonce=nonce)
        lines = Lines(command, wire.start_mark(nonce), on_line)
        started = monotonic()
        code = self._pool.execute(command, request, lines.out, lines.err, deadline)
        lines.finish()
        if not lines.begun:
            raise failures.never_ran(command, self.name, lines.banner, code)
        self.banner = self.banner or wire.first_line(lines.banner)
        result = Result(lines.stdout, lines.stderr, code, monotonic() - started)
        failures.raise_if_stopped(command, result, self.name, deadline)
        return checked(command, result, self.name) if check else result

    def put(self, data: bytes, path: str, *, mode: int = 0o600) -> None:
        """Write a file whole or not at all."""
        write = host_script("files/put", title=f"write {path}", path=path, mode=f"{mode:o}", size=len(data))
        self.run(write.with_stdin(data), deadline=60 + len(data) / _TRANSFER_RATE)

    def get(self, path: str, *, limit: int) -> bytes:
        """Read a file of at most `limit` bytes."""
        read = sh("head", "-c", str(limit + 1), "--", path).named(f"read {path}")
        answer, code, seconds = self._capture(read, 60 + limit / _TRANSFER_RATE, 2 * limit + CAPTURE_LIMIT)
        checked(read, Result("", wire.text(answer.stderr), code, seconds), self.name)
        if len(answer.stdout) > limit:
            raise CommandFailed(f"{path} is larger than {limit} bytes", code=code, host=self.name)
        return answer.stdout

    def download(
        self, path: str, sink: Callable[[bytes], object], *, offset: int = 0, deadline: float
    ) -> None:
        """Hand over a file's bytes from `offset` on."""
        nonce = secrets.token_hex(8)
        # tail finds the place without reading what is before it.
        read = sh("tail", "-c", f"+{offset + 1}", "--", path).named(f"read {path}")
        request = wire.single(read, deadline=deadline, nonce=nonce)
        taken = Bytes(wire.start_mark(nonce), sink)
        started = monotonic()
        code = self._pool.execute(read, request, taken.out, taken.err, deadline)
        if not taken.begun:
            raise failures.never_ran(read, self.name, bytes(taken.before), code)
        result = Result("", taken.stderr, code, monotonic() - started)
        failures.raise_if_stopped(read, result, self.name, deadline)
        checked(read, result, self.name)

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> SshProcess:
        """Start a long-lived process and return once it has printed its first line."""
        nonce = secrets.token_hex(8)
        request = wire.single(command, deadline=deadline, nonce=nonce, held=True)
        opened = self._pool.session(command)
        # Before the host's own deadline begins: what it ends never looks as if it had ended by itself.
        until = monotonic() + deadline
        try:
            opened.exec_command(request.line)
            opened.sendall(request.stdin)
            return SshProcess(
                self.name,
                command,
                opened,
                mark=wire.start_mark(nonce),
                until=until,
                kill=lambda: self._pool.kill((nonce,)),
                on_line=on_line,
            )
        except BaseException as problem:
            channels.close(opened)
            if isinstance(problem, channels.BROKEN):
                raise failures.lost(command, self.name, "the connection was lost as it started") from problem
            raise

    def attach(self, command: Command, ends: Ends) -> int:
        """Run a command as if it ran on this machine."""
        return attached.attach(self._pool, self.name, command, ends)

    @contextmanager
    def forward(
        self, remote_port: int, local_port: int = 0, failed: Callable[[str], None] | None = None
    ) -> Iterator[int]:
        """Open a local port that leads to `remote_port` on the host's loopback."""
        self._pool.transport()
        with Tunnel(self._pool.transport, remote_port, local_port, failed) as opened:
            yield opened

    def interrupt(self) -> None:
        """Ask every running command, but no held process, to end."""
        self._pool.interrupt()

    def close(self) -> None:
        """End the connection."""
        self._pool.close()

    def _capture(self, command: Command, deadline: float, limit: int) -> tuple[wire.FramedAnswer, int, float]:
        nonce = secrets.token_hex(8)
        request = wire.single(command, deadline=deadline, nonce=nonce)
        capture = Capture(limit)
        started = monotonic()
        code = self._pool.execute(command, request, capture.out, capture.err, deadline)
        seconds = monotonic() - started
        answer = self._framed(command, capture, nonce, code)
        result = Result(wire.text(answer.stdout[-4096:]), wire.text(answer.stderr[-4096:]), code, seconds)
        failures.raise_if_stopped(command, result, self.name, deadline)
        if capture.overflown:
            raise failures.too_much(command, self.name, limit, code)
        return answer, code, seconds

    def _framed(self, command: Command, capture: Capture, nonce: str, code: int) -> wire.FramedAnswer:
        try:
            answer = wire.answer(bytes(capture.stdout), bytes(capture.stderr), nonce)
        except wire.NoFrame:
            output = bytes(capture.stdout + capture.stderr)
            raise failures.never_ran(command, self.name, output, code) from None
        self.banner = self.banner or answer.banner
        return answer
