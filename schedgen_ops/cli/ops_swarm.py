"""What `inv ops` does with services where a Swarm runs them: asks, has a manager work, says what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schedgen_ops.cli.choosing import named
from schedgen_ops.cli.locking import awaited
from schedgen_ops.commands import swarm_ops
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.ops.services import chosen
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import services
from schedgen_ops.swarm.keeping_away import Ingresses
from schedgen_ops.swarm.services import Known
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural

Change = Callable[[HostContext, Known, Sequence[str]], None]
_DO: dict[str, Change] = {
    swarm_ops.RESTART: services.restart,
    swarm_ops.STOP: services.stop,
    swarm_ops.START: services.start,
}


def work(op: Operation, how: str, title: str, wanted: str, gap: str) -> None:
    """Restart, stop or start services.

    Args:
        how: restart, stop or start.
        gap: what is to be agreed to; "" where nothing stops.

    Raises:
        ConfigError: for a service that there is not.
        Refused: where it cannot be done with one, or the answer was no.
    """
    found, names = _looked(op, wanted)
    found.refuse(how, names)
    if gap and not op.ui.confirm(
        f"{how.capitalize()} {', '.join(names)}?", *_notes(found, how, names, gap), yes=op.options.yes
    ):
        raise Refused("nothing was changed")

    def do(remote: Remote) -> None:
        at = op.context(remote)
        with Ingresses(at, op.nodes, op.context).replaced(found.serving if INGRESS in names else None):
            _DO[how](at, found, names)

    _change(op, f"ops.{how}", f"{title} {', '.join(names)}", do)


def _notes(found: Known, how: str, names: Sequence[str], gap: str) -> tuple[str, ...]:
    def note(name: str) -> str:
        beside = how == swarm_ops.RESTART and found.there[name].order == "start-first"
        then = "new ones start before the old ones end" if beside else gap
        return f"{name}, {plural(found.many(name), 'container')}: {then}"

    return tuple(map(note, names))


def scale(op: Operation, wanted: str, count: str) -> None:
    """Bring a service to another number of containers.

    Raises:
        ConfigError: for a service that there is not, or a number that is none.
        Refused: where it may have only one, or one on each node.
    """
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= services.MOST):
        text = f"a service can have 1 to {services.MOST} containers, not {count!r}"
        raise ConfigError(text, hint="`inv ops.stop` stops it.")
    found, names = _looked(op, wanted)
    if len(names) > 1:
        raise ConfigError(f"one service is scaled, not {', '.join(names)}", hint="Nothing was changed.")
    name = names[0]
    found.refuse(swarm_ops.SCALE, names)
    found.may_have(name, int(count))

    def do(remote: Remote) -> None:
        services.scale(op.context(remote), found, name, int(count))

    _change(op, "ops.scale", f"Scaling {name} to {count}", do)


def _looked(op: Operation, wanted: str) -> tuple[Known, tuple[str, ...]]:
    """What there is, once nobody is at work, and which of it is meant."""
    named(wanted.split(","))
    awaited(op)
    found = services.known(op.context(op.fleet.hosts[0]))
    return found, chosen(wanted, found.names)


def _change(op: Operation, command: str, title: str, do: Callable[[Remote], None]) -> None:
    from schedgen_ops.cli.ops import change

    change(op, command, title, do)
