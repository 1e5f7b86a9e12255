"""A host asked what a release to come would change there, whatever a release is."""

from __future__ import annotations

from schedgen_ops.checklist import arrival, changes
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.commands import registry
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Held
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# Seconds that registries may take for all images.
_LONG = 300.0


def command(settings: Settings, ref: Ref, old: str = "", *, hashed: bool = True) -> Command:
    """Return the command that compares what `ref` is now with what serves; it changes nothing.

    Args:
        old: a commit; "" for that of the release that serves.
        hashed: whether Compose's hash of each service is told too.
    """
    if settings.from_git:
        return changes.command(settings, ref, old, hashed=hashed)
    return arrival.command(settings, ref, hashed=hashed)


def parse(settings: Settings, ref: Ref, answer: Result) -> Coming:
    """Read the answer of `command`, also where Compose did not take the new file.

    Raises:
        ValueError: for anything else.
    """
    return changes.parse(answer) if settings.from_git else arrival.parse(settings, ref, answer)


def ask_registry(host: HostContext, coming: Coming) -> tuple[Held, ...]:
    """Ask for the images that a release picks, in one round trip, or none."""
    images = arrival.wanted(host.settings, host.entry, coming) if coming.document and coming.tag else ()
    if not images:
        return ()
    answer = host.run(registry.ask(host.docker, host.login, images), _LONG)
    return registry.parse_asked(images, answer.stdout)
