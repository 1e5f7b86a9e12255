"""Names that git takes for a branch, a tag or a commit."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|\Z)|[/.]\Z|\A[-/.]|\A(?:@|HEAD)\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
# Controls, halves of characters, spaces of any kind: git takes them, and nobody sees them.
_UNSEEN = frozenset(("Cc", "Cs", "Zl", "Zp", "Zs"))
# A branch is a file in its repository, which may have 255 bytes, and its lock's name is longer.
_MOST_BYTES = 200


def is_ref_name(name: str) -> bool:
    """Whether git would take `name` for a branch, a tag or a commit (the rules of git-check-ref-format)."""
    if not name or _FORBIDDEN.search(name) or any(unicodedata.category(c) in _UNSEEN for c in name):
        return False
    return len(name.encode()) <= _MOST_BYTES


def is_commit(text: str) -> bool:
    """Whether `text` has the form of a commit id."""
    return bool(_COMMIT.match(text))
