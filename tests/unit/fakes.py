"""Stand-ins for a host and for the clock: what is asked is recorded, what is unexpected fails the test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schedgen_ops.clock import Clock
from schedgen_ops.command_errors import checked
from schedgen_ops.ends import Ends
from schedgen_ops.errors import CommandFailed, ConnectionLost
from schedgen_ops.events import Emit, silence
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import CAPTURE_LIMIT, Remote, Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# By default a host's clock shows what `FakeClock` does.
CLOCK = "1736942400\n"
Key = str | re.Pattern[str] | Callable[[Command], bool]
Reply = Result | str | int | BaseException
Answer = Reply | Callable[[Command], Reply] | Sequence[Reply]


class Unexpected(AssertionError):
    """A command that the test did not foresee."""


def result(stdout: str = "", *, stderr: str = "", code: int = 0, seconds: float = 0.01) -> Result:
    """A result with the fields that matter to the test."""
    return Result(stdout, stderr, code, seconds)


class FakeHold:
    """A held process that says some lines: what was sent to it, and whether it was closed.

    Attributes:
        lost: whether the connection to it was lost meanwhile.
    """

    def __init__(self, said: str, on_line: Callable[[str], None] | None = None) -> None:
        lines = said.splitlines()
        self.first = lines[0] if lines else ""
        self.sent: list[str] = []
        self.closed = False
        self.lost = False
        self._on_line = on_line
        if on_line is not None:
            for line in lines:
                on_line(line)

    @property
    def code(self) -> int | None:
        return 0 if self.closed and not self.lost else None

    @property
    def alive(self) -> bool:
        return not self.closed and not self.lost

    def send(self, line: str) -> None:
        self.sent.append(line)
        # The lock's keeper says back what it hears; others do not.
        if self._on_line is not None and self.first.startswith("acquired") and self.alive:
            self._on_line(line)

    def close(self) -> None:
        self.closed = True


class FakeHost:
    """A host that answers from a table.

    Args:
        name: the host's name.
        answers: what to reply to which command. A key is the command's whole text or its title, a pattern to
            search for in its text, or a predicate on the command; exact keys win, then the first match.
            A reply is a Result, a str (stdout of a success), an int (an exit code), an exception to raise, a
            function of the command, or a list of replies: one per call, the last one for all calls after.
        files: what `get` finds; `put` writes here.

    Attributes:
        commands: every command in the order it came. `texts` are their texts.
    """

    def __init__(
        self,
        name: str = "app1",
        answers: Mapping[Any, Answer] | None = None,
        *,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.name = name
        # Every task that changes something asks; a test of it says otherwise.
        usual = {"look at the clock": CLOCK, "whose containers": "", "look for half-exchanged data": ""}
        self.answers: dict[Any, Answer] = {**usual, **(answers or {})}
        self.files: dict[str, bytes] = dict(files or {})
        self.modes: dict[str, int] = {}
        self.commands: list[Command] = []
        self.deadlines: list[float] = []
        self.holds: list[FakeHold] = []
        # Downloads: where each began, and after how many bytes each in turn breaks off (None: it does not).
        self.offsets: list[tuple[str, int]] = []
        self.breaks: list[int | None] = []
        self.ends: list[Ends] = []
        self.interrupted = False
        self.closed = False
        self._calls: dict[int, int] = {}

    @property
    def texts(self) -> list[str]:
        """The text of every command so far."""
        return [command.text for command in self.commands]

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        reply = self._reply(command, deadline)
        if len(reply.stdout.encode()) + len(reply.stderr.encode()) > limit:
            raise CommandFailed(
                f"`{command}` printed more than {limit} bytes", code=reply.code, host=self.name
            )
        return checked(command, reply, self.name) if check else reply

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        if any(command.stdin is not None for command in commands):
            raise ValueError("a command of a batch cannot read stdin")
        return tuple(self._reply(command, deadline) for command in commands)

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        if any(command.stdin is not None or command.secrets for command in commands):
            raise ValueError("a command that runs beside others cannot read stdin")
        return tuple(self._reply(command, deadline) for command in commands)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        reply = self._reply(command, deadline)
        for line in (*reply.stdout.splitlines(), *reply.stderr.splitlines()):
            on_line(line)
        return checked(command, reply, self.name) if check else reply

    def put(self, data: bytes, path: str, *, mode: int = 0o600) -> None:
        self.files[path] = data
        self.modes[path] = mode

    def get(self, path: str, *, limit: int) -> bytes:
        if path not in self.files or len(self.files[path]) > limit:
            raise CommandFailed(f"no file {path} of at most {limit} bytes", code=1, host=self.name)
        return self.files[path]

    def download(
        self, path: str, sink: Callable[[bytes], object], *, offset: int = 0, deadline: float
    ) -> None:
        self.offsets.append((path, offset))
        if path not in self.files:
            raise CommandFailed(f"no file {path}", code=1, host=self.name)
        data = self.files[path][offset:]
        broken = self.breaks.pop(0) if self.breaks else None
        for start in range(0, len(data), 1000):
            if broken is not None and start >= broken:
                raise ConnectionLost(f"lost while {path} was read", host=self.name)
            sink(data[start : start + 1000])

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> FakeHold:
        reply = self._reply(command, deadline)
        if reply.code != 0:
            checked(command, reply, self.name)
        held = FakeHold(reply.stdout, on_line)
        self.holds.append(held)
        return held

    def attach(self, command: Command, ends: Ends) -> int:
        reply = self._reply(command, 0.0)
        ends.out(reply.stdout.encode())
        ends.err(reply.stderr.encode())
        self.ends.append(ends)
        return reply.code

    @contextmanager
    def forward(
        self, remote_port: int, local_port: int = 0, failed: Callable[[str], None] | None = None
    ) -> Iterator[int]:
        yield remote_port

    def interrupt(self) -> None:
        self.interrupted = True

    def close(self) -> None:
        self.closed = True

    def _reply(self, command: Command, deadline: float) -> Result:
        self.commands.append(command)
        self.deadlines.append(deadline)
        key = self._key(command)
        answer = self.answers[key]
        if callable(answer):
            answer = answer(command)
        elif isinstance(answer, Sequence) and not isinstance(answer, str):
            call = self._calls.get(id(answer), 0)
            self._calls[id(answer)] = call + 1
            answer = answer[min(call, len(answer) - 1)]
        return _as_result(answer)

    def _key(self, command: Command) -> Any:
        for exact in (command.text, command.title):
            if exact and exact in self.answers:
                return exact
        for key in self.answers:
            if isinstance(key, re.Pattern) and key.search(command.text):
                return key
            if callable(key) and key(command):
                return key
        known = "\n  ".join(str(getattr(key, "pattern", key)) for key in self.answers)
        raise Unexpected(f"{self.name} was not expected to run:\n  {command.text}\nexpected:\n  {known}")


def _as_result(reply: Reply) -> Result:
    if isinstance(reply, BaseException):
        raise reply
    if isinstance(reply, int):
        return result(code=reply)
    return result(reply) if isinstance(reply, str) else reply


@dataclass
class FakeClock:
    """A clock that only moves when somebody sleeps or a test advances it; `slept` has all naps in order."""

    moment: datetime = datetime(2025, 1, 15, 12, 0, 0, tzinfo=UTC)
    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The time of day."""
        return self.moment

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass at once, and remember it."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self.seconds += seconds
        self.moment += timedelta(seconds=seconds)


def context(
    remote: Remote, settings: Settings, clock: Clock | None = None, emit: Emit = silence
) -> HostContext:
    """What a capability is handed of a host."""
    return HostContext(remote, settings, clock or FakeClock(), emit)
