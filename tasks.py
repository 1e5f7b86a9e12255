"""The entry point of `inv`."""

import sys

# Invoke keeps nothing that was compiled, for a tasks.py: a whole package would be compiled at every start.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

from schedgen_ops.tasks import namespace  # noqa: E402

__all__ = ["namespace"]
