"""Names that git takes for a branch, a tag or a commit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|\Z)|[/.]\Z|\A[-/.]|\A(?:@|HEAD)\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
# Controls, halves of characters, spaces of any kind: git takes them, and nobody sees them.
_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp", "Zs"))
# A branch is a file in its repository, which may have 255 bytes, and its lock's name is longer.
_MOST_BYTES = 200


@dataclass(frozen=True, slots=True)
class Ref:
    """What an operator asks for: the name of a branch, a tag or a commit.

    Attributes:
        name: such as v1.2.3, refs/heads/main or 3f2a9c1.

    Raises:
        ValueError: where git would not take the name for any of them.
    """

    name: str

    def __post_init__(self) -> None:
        if not is_ref_name(self.name):
            raise ValueError(f"no name of a branch, a tag or a commit: {self.name!r}")

    def __str__(self) -> str:
        return self.name


def is_ref_name(name: str) -> bool:
    """Return whether git would take `name` for a branch, a tag or a commit.

    The rules are those of git-check-ref-format.
    """
    if not name or _FORBIDDEN.search(name) or any(unicodedata.category(c) in _UNSEEN for c in name):
        return False
    return len(name.encode()) <= _MOST_BYTES


def is_commit(text: str) -> bool:
    """Return whether `text` has the form of a commit id."""
    return bool(_COMMIT.match(text))
