"""Where Compose looks for what belongs to its files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath


def beside(files: Sequence[str]) -> str:
    """Return the env file that Compose finds by itself: in the folder of its first file.

    Args:
        files: those that it is given, relative to its working directory or absolute; () for none.
    """
    return str(PurePosixPath(files[0]).parent / ".env") if files else ".env"
