"""The words on the wire: the line that a host is sent for a command, and the frames it answers in. Pure.

Every answer starts with a mark of a random nonce between two control characters, on stdout and on stderr, so
that what a login shell prints by itself is told apart. The mark is put together on the host: the process
list, which shows the line sent, does not hold it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops import framing
from schedgen_ops.remote import Result
from schedgen_ops.shell import LOCALE, Command, quote

KILL_AFTER = 5.0
# sshd ends the whole connection when input arrives for a channel that has just closed. So a command without
# input gets none from the channel, and one with input begins only once all of it, and its end, has arrived.
_NO_INPUT = " </dev/null"
# Linux refuses a single argument above 128 KiB; sshd hands the line to the login shell as one.
_LINE_LIMIT = 96 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What to send: the line to execute, and the bytes for its stdin, after which stdin ends.

    Without such bytes the line reads nothing, and the end of stdin need not be sent. The line holds
    the nonce, by which `killer` finds its processes.
    """

    line: str
    stdin: bytes
    nonce: str


@dataclass(frozen=True, slots=True)
class FramedAnswer:
    """The bytes of one command, and what the login shell said before it."""

    stdout: bytes
    stderr: bytes
    banner: str


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands between two marks: how the command ended, when (in microseconds), and what it printed."""

    code: int
    stamp: int
    output: bytes


class NoFrame(ValueError):
    """The login shell never came to run what it was sent."""


def single(command: Command, *, deadline: float, nonce: str, held: bool = False) -> Request:
    """Return the request for one command that must end within `deadline` seconds.

    Args:
        held: the command ends when it likes, and its stdin stays open until then.
    """
    parts = [(name, secret.reveal().encode()) for name, secret in command.secrets]
    exports = "".join(f"export {name}\n" for name, _value in parts)
    stdin = command.stdin or b""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return _request(f"{exports}{command.text}", parts, data, deadline, nonce, held=held)


def on_terminal(command: Command, nonce: str) -> Request:
    """Return the request for a command that has a terminal, which is its stdin, and no deadline.

    No mark stands before its output: it is shown, not read. `timeout` would take it out of the foreground.

    Raises:
        ValueError: for a text that is too long for a line.
    """
    # With `exit` behind it bash waits for the command, and tells of a signal by an exit status.
    script = f"SHLVL=9; {LOCALE}: {nonce}\n{command.text}\nexit"
    line = f"exec bash --norc -o pipefail -c {quote(script)}"
    if len(line.encode()) > _LINE_LIMIT:
        raise ValueError("the command is too long for a terminal")
    return Request(line, b"", nonce)


def several(commands: Sequence[Command], *, deadline: float, nonce: str) -> Request:
    """Return the request for commands that run one after the other, each in a subshell of its own.

    Raises:
        ValueError: for a command that reads stdin, which they would share.
    """
    if any(command.stdin is not None for command in commands):
        raise ValueError("a command of a batch cannot read stdin")
    parts: list[tuple[str, bytes]] = []
    bodies: list[str] = []
    for index, command in enumerate(commands):
        exports = ""
        for position, (name, secret) in enumerate(command.secrets):
            variable = f"schedgen_{index}_{position}"
            parts.append((variable, secret.reveal().encode()))
            exports += f'export {name}="${variable}"; '
        # eval keeps a syntax error inside its own subshell.
        bodies.append(f"( {exports}eval {quote(command.text)} ) </dev/null\nschedgen_mark\n")
    body = "".join((_mark_function(nonce), "true\nschedgen_mark\n", *bodies))
    return _request(body, parts, b"", deadline, nonce)


def killer(nonces: Sequence[str]) -> Request:
    """Return the request that ends the commands of other requests, with all the processes they started.

    The nonces travel on stdin, so that it does not find itself. `timeout` passes the signal on to its group.
    """
    find = "grep -lsFf - /proc/[0-9]*/cmdline | cut -d/ -f3"
    body, stdin = framing.received(
        f"kill -TERM $({find}) 2>/dev/null", [], "\n".join(nonces).encode() + b"\n"
    )
    return Request(_line(body, KILL_AFTER), stdin, "")


def answer(stdout: bytes, stderr: bytes, nonce: str) -> FramedAnswer:
    """Return the answer to a single request.

    Raises:
        NoFrame: when the start mark is not on stdout.
    """
    mark = start_mark(nonce)
    before, found, after = stdout.partition(mark)
    if not found:
        raise NoFrame
    before_err, found_err, after_err = stderr.partition(mark)
    banner = before + (before_err if found_err else b"")
    return FramedAnswer(after, after_err if found_err else stderr, first_line(banner))


def results(reply: FramedAnswer, nonce: str) -> tuple[Result, ...]:
    """Return the results of a batch, as many as were finished, in order."""
    outs = _frames(reply.stdout, nonce)
    errs = _frames(reply.stderr, nonce)
    found: list[Result] = []
    for previous, out, err in zip(outs, outs[1:], errs[1:], strict=False):
        seconds = max(0, out.stamp - previous.stamp) / 1e6
        found.append(Result(text(out.output), text(err.output), out.code, seconds))
    return tuple(found)


def start_mark(nonce: str) -> bytes:
    """Return what stands before the output of every request, on both streams."""
    return f"\x1e{nonce}\x1e\n".encode()


def text(data: bytes) -> str:
    """Return a program's output as text; what is no UTF-8 is replaced, never refused."""
    return data.decode("utf-8", errors="replace")


def first_line(banner: bytes) -> str:
    """Return the first line of a banner that holds something printable."""
    for line in text(banner).splitlines():
        shown = "".join(char for char in line if char.isprintable()).strip()
        if shown:
            return shown
    return ""


def _request(
    body: str, parts: framing.Parts, data: bytes, deadline: float, nonce: str, *, held: bool = False
) -> Request:
    if "\0" in body:
        raise ValueError("a command cannot hold a NUL byte")
    # bash reads .bashrc, banner and all, when sshd starts it and SHLVL is small.
    head = f"SHLVL=9; {LOCALE}printf '\\036%s\\036\\n' {nonce}; printf '\\036%s\\036\\n' {nonce} >&2\n"
    text, stdin = framing.received(body, parts, data, held=held)
    line = _line(head + text, deadline) if stdin or held else _line(head + text, deadline) + _NO_INPUT
    if len(line.encode()) <= _LINE_LIMIT:
        return Request(line, stdin, nonce)
    named = [("schedgen_script", body.encode()), *parts]
    text, stdin = framing.received('eval "$schedgen_script"', named, data, held=held)
    return Request(_line(head + text, deadline), stdin, nonce)


def _line(script: str, deadline: float) -> str:
    seconds = f"{math.ceil(deadline * 1000) / 1000:.10g}"
    return f"exec timeout -k {KILL_AFTER:g} {seconds} bash --norc -o pipefail -c {quote(script)}"


def _mark_function(nonce: str) -> str:
    mark = f'printf \'\\036%s %s %s\\036\' {nonce} "$code" "$stamp"'
    return f"schedgen_mark() {{ local code=$? stamp=${{EPOCHREALTIME//[!0-9]/}}; {mark}; {mark} >&2; }}\n"


def _frames(data: bytes, nonce: str) -> list[_Frame]:
    pattern = re.compile(rb"\x1e" + nonce.encode() + rb" (\d+) (\d*)\x1e")
    frames: list[_Frame] = []
    position = 0
    for match in pattern.finditer(data):
        frames.append(_Frame(int(match[1]), int(match[2] or b"0"), data[position : match.start()]))
        position = match.end()
    return frames
