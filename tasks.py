"""The entry point of `inv`."""

from schedgen_ops.tasks import namespace

__all__ = ["namespace"]
