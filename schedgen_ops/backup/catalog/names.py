"""What restores call a database and a folder beside the owner's, and the marks that prove them ours. Pure.

A name alone proves nothing: an owner may have one that looks like it. Ours has the exact form and the mark.
"""

from __future__ import annotations

import hashlib

# PostgreSQL cuts a name at 63 bytes; what follows the stem takes 23 of them.
_STEM, _HASH = 40, 12


def new(database: str, stamp: str) -> str:
    """A restored database's name until it takes its place.

    Args:
        stamp: the restore's time, YYYYMMDD_HHMMSS.
    """
    return f"{new_stem(database)}{stamp}"


def before(database: str, stamp: str) -> str:
    """The old database's name once it gave its place away."""
    return f"{before_stem(database)}{stamp}"


def new_stem(database: str) -> str:
    """What stands before the stamp in `new`."""
    return f"{_stem(database)}_new_"


def before_stem(database: str) -> str:
    """What stands before the stamp in `before`."""
    return f"{_stem(database)}_before_"


def _stem(database: str) -> str:
    """The database's name; a hash stands for the end of a long one, so that no two of them meet."""
    whole = database.encode()
    if len(whole) <= _STEM:
        return database
    begin = whole[: _STEM - _HASH - 1].decode(errors="ignore")
    return f"{begin}_{hashlib.sha256(whole).hexdigest()[:_HASH]}"


def folder_mark(stamp: str) -> str:
    """The line in the mark of a folder."""
    return f"schedgen restore {stamp}"


def mark(database: str, stamp: str) -> str:
    """The first line of the comment on a restore's database, the one beside and the one put aside."""
    return f'schedgen restore of "{database}" {stamp}'
