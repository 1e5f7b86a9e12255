"""What `inv exec`, `inv shell`, `inv db` and `inv run` do with an operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schedgen_ops.cli.attaching import Build, Tie, one, over, read_whole
from schedgen_ops.cli.choosing import among
from schedgen_ops.commands.docker import PROJECT_LABEL, SERVICE_LABEL, Docker
from schedgen_ops.commands.whole_input import whole_input
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.looking import container
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command, sh
from schedgen_ops.task_run import Operation

_SHELL = "if command -v bash > /dev/null 2>&1; then exec bash; else exec sh; fi"
# Longer ones do not travel as the words of a command.
_LONGEST = 64 * 1024


def execute(op: Operation, service: str, words: Sequence[str], index: int) -> int:
    """Run a command in a service's container, on every host that was chosen; return its exit code.

    Raises:
        ConfigError: without a command, for an unknown service or container.
        Refused: where the service does not run.
    """
    _asked(words, f"inv exec {service} -- ls -l")
    fleet = _having(op, service, f"{service} runs")
    return over(op, fleet, _inside(op, service, index, lambda _: tuple(words)))


def shell(op: Operation, service: str, index: int) -> int:
    """Open a shell in a service's container; return its exit code.

    Raises:
        ConfigError: on more than one host, for an unknown service or container.
        Refused: where the service does not run.
    """
    fleet = one(op, _having(op, service, f"{service} runs"), "a shell")
    return over(op, fleet, _inside(op, service, index, lambda _: ("sh", "-c", _SHELL)))


def _having(op: Operation, service: str, what: str) -> Fleet:
    """The hosts that have the service; of a Swarm's those where a container of it runs now."""
    fleet = among(op, op.settings.hosts_running(service), what)
    if not op.settings.on_swarm:
        return fleet
    docker, project = Docker(op.settings.sudo), op.settings.project
    labels = (f"label={PROJECT_LABEL}={project}", f"label={SERVICE_LABEL}={service}")
    listing = docker("ps", "--quiet", *(word for label in labels for word in ("--filter", label)))
    asked = fleet.each(lambda remote: remote.run(listing, deadline=60).lines())
    names = [name for name, lines in asked.ok.items() if lines]
    if not names:
        lost = ", ".join(asked.errors)
        text = f"{service} runs on no node" + (f" that answers; {lost} did not" if lost else "")
        raise Refused(text, hint="`inv status` tells how each service stands.")
    return fleet.only(names)


def database(op: Operation, read_only: bool) -> int:
    """Open the database's own client in its container; return its exit code.

    What is piped in has arrived there whole before the client starts, which takes the end of a connection for
    the end of its input, and half a statement for a whole one.

    Raises:
        ConfigError: without a database, on more than one host, or for input that is too long or no text.
        Refused: where the database does not run.
    """
    wanted = op.settings.database
    if wanted is None:
        raise ConfigError("this environment has no database")
    engine = engine_of(wanted.engine)

    def words(tie: Tie) -> tuple[str, ...]:
        return engine.session(wanted, interactive=bool(tie.terminal), read_only=read_only)

    def build(remote: Remote, tie: Tie) -> Command:
        if tie.terminal:
            return _inside(op, wanted.service, 0, words)(remote, tie)
        data = read_whole("text of statements")
        whole = _inside(op, wanted.service, 0, lambda tie: whole_input(words(tie), len(data)))
        return whole(remote, Tie(reads=True)).with_stdin(data)

    fleet = _having(op, wanted.service, "the database runs")
    return over(op, one(op, fleet, engine.client), build)


def run(op: Operation, words: Sequence[str]) -> int:
    """Run a command in the project's directory of every host that was chosen; return its exit code.

    Raises:
        ConfigError: without a command.
    """
    _asked(words, "inv run -- git log -1")
    command = sh(*words).in_dir(op.settings.directory).named("the command")
    return over(op, op.fleet, lambda *_: command)


def _asked(words: Sequence[str], example: str) -> None:
    if not words:
        raise ConfigError("there is no command", hint=f"It stands behind --: {example}")
    if sum(map(len, words)) > _LONGEST:
        hint = "Put it into a file, or send it on stdin."
        raise ConfigError(f"the command is longer than {_LONGEST} characters", hint=hint)


def _inside(op: Operation, service: str, index: int, words: Callable[[Tie], tuple[str, ...]]) -> Build:
    """Commands in the service's container; messages never show their words, which may hold secrets."""
    docker = Docker(op.settings.sudo)

    def build(remote: Remote, tie: Tie) -> Command:
        box = container.find(op.context(remote), service, index)
        given = ["--interactive"] if tie.reads else []
        given += ["--tty", "--env", f"TERM={tie.terminal}"] if tie.terminal else []
        return docker("exec", *given, box.id, *words(tie)).named(f"the command in {service}")

    return build
