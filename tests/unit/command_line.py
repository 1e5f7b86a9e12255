"""A command line as an operator types it, in this process."""

from __future__ import annotations

from invoke.collection import Collection
from invoke.program import Program


def typed(namespace: Collection, *words: str) -> int:
    """Run `inv WORDS...` with the tasks of `namespace`, and return its exit code."""
    try:
        Program(namespace=namespace).run(["inv", *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0
