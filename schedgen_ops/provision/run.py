"""Asks a host what it is and has, in one round trip."""

from __future__ import annotations

from schedgen_ops.checklist.boxes import Tick
from schedgen_ops.errors import CommandFailed
from schedgen_ops.host_context import HostContext
from schedgen_ops.provision import facts, findings

_DEADLINE = 60.0


def look(host: HostContext) -> tuple[Tick, ...]:
    """Return what a host was found to be.

    Raises:
        CommandFailed: where it does not tell of itself.
        Unreachable: where it cannot be asked.
    """
    sent = host.clock.now()
    said = host.run(facts.ask(host.settings), _DEADLINE)
    try:
        found = facts.parse(said.stdout)
    except ValueError as problem:
        raise CommandFailed(str(problem), code=said.code, host=host.name) from None
    return findings.ticks(host.settings, found, sent, host.clock.now())
