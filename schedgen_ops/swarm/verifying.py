"""Whether what runs on a Swarm is well: services by a manager's word, URLs on every node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops import events
from schedgen_ops.errors import OpsError, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.verify import run as verifier
from schedgen_ops.watch import rules

ContextOf = Callable[[Remote], HostContext]
Look = Callable[[HostContext], tuple[rules.Finding, ...]]
Failure = Callable[[int, int], OpsError]
# Seconds that what was only just started may take to answer, at most.
_COMING_UP = 60


def _of_a_release(_failed: int, _count: int) -> OpsError:
    hint = "`inv verify.quick` runs the same checks again; `inv logs SERVICE` tells why."
    return OpsError("Deployment verification failed", hint=hint)


def looked(
    nodes: Fleet,
    context: ContextOf,
    look: Look = verifier.patiently,
) -> Mapping[str, tuple[rules.Finding, ...]]:
    """Return what the quick checks found, by node; one that is lost meanwhile is told of, and left out.

    Args:
        look: makes them.

    Raises:
        OpsError: where the first node cannot be asked, or none answers.
    """
    asked = nodes.each(lambda remote: look(context(remote)))
    for name, error in asked.errors.items():
        if name == nodes.names[0] or not isinstance(error, Unreachable):
            raise error
        events.warn(context(nodes[name]).emit, f"the node is lost, and not verified: {error}", name)
    return asked.ok


def coming_up(settings: Settings) -> Look:
    """Return what makes the checks of a node where services were only just started."""
    seconds = min(_COMING_UP, settings.health.deadline)
    return lambda at: verifier.come_up(at, seconds)


def everywhere(
    nodes: Fleet, context: ContextOf, look: Look = verifier.patiently, failure: Failure = _of_a_release
) -> int:
    """Verify the stack, and every node that answers; return how many checks passed.

    Args:
        look: makes the checks of a node.
        failure: makes the error of how many checks did not pass of how many.

    Raises:
        OpsError: naming every check that did not pass.
    """
    found = looked(nodes, context, look)
    count = sum(map(len, found.values()))
    if failed := [(name, each) for name, part in found.items() for each in rules.failed(part)]:
        error = failure(len(failed), count)
        error.host = failed[0][0]
        error.detail = "\n".join(f"{name}: {each.check}: {each.text}" for name, each in failed)
        raise error
    for name, part in found.items():
        verifier.tell(context(nodes[name]), part)
    return count
