"""This machine, where it does a part of a run itself: the commands of a host, run here by bash."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Event, Lock

from schedgen_ops import local_program, workers
from schedgen_ops.command_errors import checked, timed_out
from schedgen_ops.errors import CommandFailed
from schedgen_ops.local_program import OutputLines, Take
from schedgen_ops.remote import TAIL, Result
from schedgen_ops.shell import LOCALE, Command

NAME = "this machine"


class ThisMachine:
    """What a run needs of a host's contract here. Usable from several threads at once."""

    name = NAME

    def __init__(self) -> None:
        self._running: set[Event] = set()
        self._one = Lock()

    def run(self, command: Command, *, deadline: float, check: bool = True) -> Result:
        """Run a command and return all that it printed.

        Args:
            deadline: seconds after which it is ended.
            check: whether an exit status other than 0 raises.

        Raises:
            CommandFailed: a non-zero exit with `check`, an end before its own, or no bash.
        """
        out, err = bytearray(), bytearray()
        began = time.monotonic()
        code = self._follow(command, deadline, out.extend, err.extend)
        return self._ended(command, _result(out, err, code, began), deadline, code, check=check)

    def stream(self, command: Command, on_line: Callable[[str], None], *, deadline: float) -> Result:
        """Run a command and hand over each line of stdout and stderr as it comes; see `run`."""
        said: deque[str] = deque(maxlen=TAIL)

        def take(line: str) -> None:
            said.append(line)
            on_line(line)

        lines, began = OutputLines(take), time.monotonic()
        try:
            code = self._follow(command, deadline, lines.feed, None)
        finally:
            lines.end()
        told = _result("\n".join(said).encode(), b"", code, began)
        return self._ended(command, told, deadline, code, check=True)

    def interrupt(self) -> None:
        """Ask every running command to end: for Ctrl-C."""
        with self._one:
            for over in self._running:
                over.set()

    def _follow(self, command: Command, deadline: float, out: Take, err: Take | None) -> int | None:
        if command.secrets:
            raise ValueError("a command that is run here has no secrets")
        workers.check()
        given = command.stdin.encode() if isinstance(command.stdin, str) else command.stdin or b""
        words = ("bash", "--norc", "-o", "pipefail", "-c", LOCALE + command.text)
        over = Event()
        with self._one:
            self._running.add(over)
        try:
            code = local_program.follow(words, deadline, out, err, given=given, over=over.is_set)
        except OSError as error:
            raise CommandFailed(f"bash could not be started: {error.strerror}", host=NAME) from error
        finally:
            with self._one:
                self._running.discard(over)
        if code is None and over.is_set():
            raise CommandFailed(f"`{command}` was ended, since the run was", host=NAME)
        return code

    def _ended(
        self, command: Command, result: Result, deadline: float, code: int | None, *, check: bool
    ) -> Result:
        if code is None:
            raise timed_out(command, result, NAME, deadline)
        return checked(command, result, NAME) if check else result


def _result(out: bytes | bytearray, err: bytes | bytearray, code: int | None, began: float) -> Result:
    stdout, stderr = (text.decode(errors="replace") for text in (out, err))
    return Result(stdout, stderr, 124 if code is None else code, time.monotonic() - began)
