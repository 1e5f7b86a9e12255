"""What `inv ops.maintenance` does with an operation."""

from __future__ import annotations

from schedgen_ops.cli.choosing import named
from schedgen_ops.cli.locking import awaited
from schedgen_ops.cli.ops import Work, change
from schedgen_ops.commands.maintenance import note
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.lock.run import myself
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import Closing
from schedgen_ops.ops.services import chosen
from schedgen_ops.task_run import Operation

LONGEST = 120
_COMMAND = "ops.maintenance"


def switch(op: Operation, state: str, services: str | None, hold: str, *, health: bool) -> None:
    """Turn visitors away at the ingress, or let them in; done once its ports were seen to answer so.

    Raises:
        ConfigError: for words that mean nothing, an unknown service, or a page that cannot be sent.
        Refused: where no ingress of ours is there, or the answer was no.
    """
    settings = op.settings
    if state not in ("on", "off"):
        raise ConfigError(f"maintenance is on or off, not {state!r}", hint="Nothing was changed.")
    if state == "off" and (services is not None or hold or health):
        raise ConfigError("off is for everybody, and takes no more", hint="Nothing was changed.")
    closing = _closing(op, services, hold, health=health) if state == "on" else None
    awaited(op)
    if settings.on_swarm:
        from schedgen_ops.cli import swarm_maintenance

        swarm_maintenance.switch(op, closing)
        return
    names = closing.services if closing else ()
    op.fleet.each(lambda remote: maintenance.routes(remote, settings, names)).values()
    agree(op, closing)
    turn(op, closing, lambda remote: maintenance.turn(remote, settings, op.emit, closing))


def agree(op: Operation, closing: Closing | None, *notes: str) -> None:
    """Ask whether visitors are to be turned away; None has nothing to ask.

    Raises:
        Refused: where the answer was no.
    """
    if closing and not op.ui.confirm("Turn visitors away?", closing.what, *notes, yes=op.options.yes):
        raise Refused("nothing was changed")


def turn(op: Operation, closing: Closing | None, work: Work) -> None:
    """Turn visitors away under the lock, or let them in with None."""
    change(op, _COMMAND, "Turning visitors away" if closing else "Letting visitors in", work)


def _closing(op: Operation, services: str | None, hold: str, *, health: bool) -> Closing:
    settings = op.settings
    if hold and not (hold.isascii() and hold.isdigit() and 5 <= int(hold) <= LONGEST):
        text = f"requests can be held for 5 to {LONGEST} seconds, not {hold!r}"
        raise ConfigError(text, hint="Nothing was changed.")
    names: tuple[str, ...] = ()
    if services is not None:
        names = tuple(dict.fromkeys(named(services.split(","))))
        if settings.services:
            chosen(services, settings.services)
    owner = myself(op.clock, _COMMAND, "")
    what = note(names, int(hold or 0), owner.user)
    return Closing(maintenance.page(settings), names, int(hold or 0), health, what)
