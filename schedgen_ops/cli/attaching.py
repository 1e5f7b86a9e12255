"""A remote command on this machine's own streams, on one host or on several."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from schedgen_ops.cli.looking import conclude
from schedgen_ops.ends import Ends
from schedgen_ops.errors import ConfigError
from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.raw_terminal import has_terminal, raw_terminal
from schedgen_ops.ui.remote_output import RemoteOutput
from schedgen_ops.ui.tables import Table

# Gives the command for a host, and for what it is tied to.
Build = Callable[[Remote, "Tie"], Command]
# Stdout and stderr.
Streams = tuple[RemoteOutput, RemoteOutput]
# Whoever waits for a document waits so long at most.
_DOCUMENT_SECONDS = 86400.0
# What is sent whole is held in memory here, on the host and in the container.
_WHOLE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
# What a shell says of a program whose reader went away.
_UNREAD = 141


@dataclass(frozen=True, slots=True)
class Tie:
    """What a command is tied to on this machine.

    Attributes:
        terminal: the kind of terminal; "" for pipes.
        reads: whether it has a stdin.
    """

    terminal: str = ""
    reads: bool = False


def one(op: Operation, fleet: Fleet, what: str) -> Fleet:
    """Refuse more than one host, and a document.

    Args:
        what: what needs a host of its own, as "a shell".

    Raises:
        ConfigError: saying which hosts there are.
    """
    if op.options.json:
        raise ConfigError(f"--json ends with one document, and {what} has none", hint="Leave it out.")
    if len(fleet) != 1:
        raise ConfigError(f"{what} is on one host", hint=f"Say which with --hosts: {', '.join(fleet.names)}.")
    return fleet


def over(op: Operation, fleet: Fleet, build: Build) -> int:
    """Run a command on every host and return its exit code, the worst of several hosts.

    Raises:
        OpsError: where it could not be started, or how it ended is not known.
    """
    try:
        if op.options.json:
            return _document(op, fleet, build)
        if len(fleet) == 1:
            return _alone(fleet.hosts[0], build)
        return _beside(fleet, build)
    except BrokenPipeError:
        return _UNREAD


def _alone(remote: Remote, build: Build) -> int:
    if has_terminal():
        return _on_terminal(remote, build)
    stdin = _stdin()
    command = build(remote, Tie(reads=stdin is not None))
    return _piped(remote, command, _streams(), stdin if command.stdin is None else None)


def _piped(remote: Remote, command: Command, streams: Streams, stdin: int | None = None) -> int:
    out, err = (stream.of(remote.name) for stream in streams)
    code = remote.attach(command, Ends(out.take, err.take, stdin))
    out.finish()
    err.finish()
    return code


def _streams(*hosts: str) -> Streams:
    return RemoteOutput(sys.stdout, hosts), RemoteOutput(sys.stderr, hosts)


def _on_terminal(remote: Remote, build: Build) -> int:
    command = build(remote, Tie(os.environ.get("TERM") or "dumb", reads=True))
    with raw_terminal(sys.stdin.fileno(), sys.stdout.fileno()) as terminal:
        ends = Ends(terminal.write, terminal.write, stdin=terminal.stdin, window=terminal)
        code = remote.attach(command, ends)
        if code:
            # It may have been killed.
            terminal.tidy()
        return code


def _beside(fleet: Fleet, build: Build) -> int:
    streams = _streams(*fleet.names)
    seen = fleet.each(lambda remote: _piped(remote, build(remote, Tie()), streams))
    for error in seen.errors.values():
        if isinstance(error, BrokenPipeError):
            raise error
    conclude(seen)
    return max(seen.ok.values())


def _document(op: Operation, fleet: Fleet, build: Build) -> int:
    def work(remote: Remote) -> tuple[int, str, str]:
        ended = remote.run(build(remote, Tie()), deadline=_DOCUMENT_SECONDS, check=False)
        return ended.code, ended.stdout, ended.stderr

    seen = fleet.each(work)
    rows = tuple((host, *ended) for host, ended in seen.ok.items())
    op.ui.show(Table(("Host", "Code", "Stdout", "Stderr"), rows))
    conclude(seen)
    return max(code for _, code, _, _ in rows)


def read_whole(what: str) -> bytes:
    """Return all that is piped in, once it is all there.

    Args:
        what: what it is, for messages, as "text".

    Raises:
        ConfigError: for what is too long, or no text.
    """
    stdin = _stdin()
    data = bytearray()
    while stdin is not None and (more := os.read(stdin, _CHUNK)):
        data += more
        if len(data) > _WHOLE:
            hint = "Split it into files that may run one after the other."
            raise ConfigError(f"what is piped in is longer than {_WHOLE >> 20} MiB", hint=hint)
    if b"\0" in data:
        raise ConfigError(f"what is piped in is no {what}: it has a NUL byte")
    return bytes(data)


def _stdin() -> int | None:
    """What is piped in; None where stdin is closed."""
    try:
        return sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        return None
