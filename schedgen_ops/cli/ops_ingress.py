"""What `inv ingress.remove` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.cli.locking import awaited
from schedgen_ops.cli.ops import change
from schedgen_ops.errors import Refused
from schedgen_ops.ops import ingress
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.task_run import Operation


def _notes(host: str, release: Release) -> Iterator[str]:
    yield f"{host}: {', '.join(ingress.behind(release))} made anew, with ports of their own"
    if called := ingress.called(release):
        then = "lead to nobody for a moment, and to other addresses then: restart what keeps one"
        yield f"{host}: the names {', '.join(called)} {then}"


def remove(op: Operation) -> None:
    """Take the ingress away: services publish their ports themselves, as their owner wrote it.

    Raises:
        Refused: where no ingress of ours is there, it turns visitors away, or the answer was no.
    """
    awaited(op)
    found = op.fleet.each(lambda remote: ingress.serving(op.context(remote))).values()
    notes = tuple(note for pair in zip(op.fleet.names, found, strict=True) for note in _notes(*pair))
    if not op.ui.confirm("Take the ingress away?", *notes, yes=op.options.yes):
        raise Refused("nothing was changed")

    def work(remote: Remote) -> None:
        ingress.remove(op.context(remote))

    change(op, "ingress.remove", "Taking the ingress away", work, counts=True)
