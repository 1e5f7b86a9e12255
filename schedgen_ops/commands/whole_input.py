"""A command in a container that begins only once all of its input is there."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.host_scripts import joined

_WHOLE = joined("files/whole_input.sh").strip()


def whole_input(words: Sequence[str], size: int) -> tuple[str, ...]:
    """Return the words of a command that reads `size` bytes of text on its stdin, or is not begun."""
    return ("sh", "-c", _WHOLE, "sh", str(size), *words)
