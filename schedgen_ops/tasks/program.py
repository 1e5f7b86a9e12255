"""The command `schedgen`: the same tasks without a tasks.py."""

from __future__ import annotations

from invoke.program import Program

from schedgen_ops import __version__
from schedgen_ops.tasks import namespace

_program = Program(name="schedgen", binary="schedgen", version=__version__, namespace=namespace)


def main() -> None:
    """Run the task that the command line names."""
    _program.run()
