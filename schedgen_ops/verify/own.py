"""Checks in Python that a team's tasks.py adds to `inv verify`.

Importing this module imports nothing heavy: tasks.py does so whenever tasks are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from schedgen_ops.errors import OpsError, Unreachable

if TYPE_CHECKING:
    from schedgen_ops.host_context import HostContext
    from schedgen_ops.remote import Remote
    from schedgen_ops.settings import Settings
    from schedgen_ops.watch.rules import Finding

    Look = Callable[[Remote, Settings], Finding | Sequence[Finding]]

_checks: dict[str, Look] = {}


def check(look: Look) -> Look:
    """Add a function to what `inv verify` and `inv verify.custom` look at on every host.

    Args:
        look: takes the host and the environment's settings, changes nothing, and returns what it found.

    Raises:
        ValueError: where another function of that name is a check already.
    """
    name = look.__name__
    if name in _checks:
        raise ValueError(f"there is a check {name!r} already")
    _checks[name] = look
    return look


def findings(host: HostContext) -> tuple[Finding, ...]:
    """Return what the added checks find on a host, one after the other; what one cannot tell is unknown.

    Raises:
        Unreachable: where the host cannot be asked any more.
    """
    return tuple(found for name, look in _checks.items() for found in _asked(name, look, host))


def _asked(name: str, look: Look, host: HostContext) -> Sequence[Finding]:
    from schedgen_ops.watch.rules import CheckVerdict, Finding

    try:
        found = look(host.remote, host.settings)
    except Unreachable:
        raise
    except Exception as error:
        why = error.message if isinstance(error, OpsError) else f"{type(error).__name__}: {error}"
        return (Finding(name, CheckVerdict.UNKNOWN, f"could not be looked at: {why}"),)
    return (found,) if isinstance(found, Finding) else found
