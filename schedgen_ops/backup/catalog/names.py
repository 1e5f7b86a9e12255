"""Names of a restore's databases and folders beside the owner's, and the marks that prove them ours. Pure.

A name alone proves nothing: an owner may have one that looks like it. Ours has the exact form and the mark.
"""

from __future__ import annotations

import hashlib

# No engine takes less than 63 bytes for a name; what follows the stem takes 23 of them.
_STEM, _HASH = 40, 12


def new(database: str, stamp: str) -> str:
    """Return a restored database's name until it is swapped in.

    Args:
        stamp: the restore's time, YYYYMMDD_HHMMSS.
    """
    return f"{new_stem(database)}{stamp}"


def before(database: str, stamp: str) -> str:
    """Return the old database's name once it was swapped out."""
    return f"{before_stem(database)}{stamp}"


def new_stem(database: str) -> str:
    """Return what stands before the stamp in `new`."""
    return f"{_stem(database)}_new_"


def before_stem(database: str) -> str:
    """Return what stands before the stamp in `before`."""
    return f"{_stem(database)}_before_"


def new_folder(stamp: str) -> str:
    """Return the name, beside the objects that serve, of restored ones until they are swapped in."""
    return f".schedgen-new-{stamp}"


def before_folder(stamp: str) -> str:
    """Return the name of the old objects once they were swapped out."""
    return f".schedgen-before-{stamp}"


def _stem(database: str) -> str:
    """The database's name; a hash stands for the end of a long one, so that no two of them meet."""
    whole = database.encode()
    if len(whole) <= _STEM:
        return database
    begin = whole[: _STEM - _HASH - 1].decode(errors="ignore")
    return f"{begin}_{hashlib.sha256(whole).hexdigest()[:_HASH]}"


def mark(database: str, stamp: str) -> str:
    """Return the first line of the comment that marks a database as a restore's, restored or superseded."""
    return f'schedgen restore of "{database}" {stamp}'
