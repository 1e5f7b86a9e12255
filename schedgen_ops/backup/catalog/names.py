"""What restores call a database and a folder beside the owner's, and the marks that prove them ours. Pure.

A name alone proves nothing: an owner may have one that looks like it. Ours has the exact form and the mark.
"""

from __future__ import annotations

import hashlib

# PostgreSQL cuts a name at 63 bytes; what follows the stem takes 23 of them.
_STEM, _HASH = 40, 12
# The file in a folder of ours in the objects' volume; the objects themselves are beside it.
MARK, DATA, MOVED = "mark", "data", "moved"
# What an earlier version left in the old objects' folder once all of them were in it.
MOVED_BEFORE = ".schedgen-moved"


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


# Whether the database of row d is a restore's: :'stem' and the stamp make its name, and the first line of its
# comment is the mark. What follows in the comment is the owner's own.
OURS = r"""(d.datname = :'stem' || right(d.datname, 15) AND right(d.datname, 15) ~ '^\d{8}_\d{6}$'
  AND split_part(shobj_description(d.oid, 'pg_database'), E'\n', 1) =
      'schedgen restore of "' || :'name' || '" ' || right(d.datname, 15))"""

# The same for folders in the objects' volume, for any POSIX shell; $1 is a path.
FOLDER_OURS = rf"""
ours() {{
  [ -d "$1" ] && [ ! -L "$1" ] || return
  case ${{1##*/}} in
    .schedgen-new-{"[0-9]" * 8}_{"[0-9]" * 6}) ;;
    .schedgen-before-{"[0-9]" * 8}_{"[0-9]" * 6}) [ ! -e "$1/{MOVED_BEFORE}" ] || return 0 ;;
    *) return 1 ;;
  esac
  marked=''
  [ ! -f "$1/{MARK}" ] || IFS= read -r marked < "$1/{MARK}"
  [ "$marked" = "schedgen restore ${{1##*-}}" ]
}}
claim() {{
  [ -d "$1" ] || mkdir -- "$1" || return
  ours "$1" || {{ rmdir -- "$1" && mkdir -- "$1" && echo "schedgen restore ${{1##*-}}" > "$1/{MARK}"; }} ||
    return
  mkdir -p -- "$1/{DATA}"
}}
# The mark goes last: what is left of a removal that was ended is still ours.
discard() {{ ours "$1" && rm -rf -- "$1/{DATA}" && rm -rf -- "$1"; }}
"""


def folder_mark(stamp: str) -> str:
    """The line in the mark of a folder."""
    return f"schedgen restore {stamp}"


def mark(database: str, stamp: str) -> str:
    """The first line of the comment on a restore's database, the one beside and the one put aside."""
    return f'schedgen restore of "{database}" {stamp}'
