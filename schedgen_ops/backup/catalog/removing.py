"""What looks at the sizes in the backups' folder, and what removes from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.catalog.remote_commands import OURS
from schedgen_ops.shell import Command, script

# A link is none of ours, nor is a part without our manifest: it is not even looked at.
_SURVEY = (
    OURS
    + """
cd -- "$1" 2>/dev/null || exit 0
for folder in *-[0-9]*_[0-9]*/; do
  folder=${folder%/}
  [ -d "$folder" ] && [ ! -L "$folder" ] || continue
  case $folder in *.part) ours "./$folder" || continue ;; esac
  used=$(du -sk -- "./$folder") && printf '%s %s\\n' "${used%%[!0-9]*}" "$folder"
done
"""
)

# Renamed first: half of a backup must not look like one, should this be ended in the middle.
_REMOVE = (
    OURS
    + """
cd -- "$1" || exit
shift
for name; do
  [ -d "$name" ] && [ ! -L "$name" ] || continue
  ours "./$name" || { echo "reason: $name holds no manifest of ours, and stays" >&2; exit 1; }
  case $name in
    *.part) ;;
    *)
      [ ! -e "$name.part" ] || { ours "./$name.part" && discard "./$name.part"; } || exit
      mv -T -- "./$name" "./$name.part" || exit; name=$name.part ;;
  esac
  discard "./$name" || exit
done
"""
)


def survey(folder: str) -> Command:
    """The folders below `folder` that bear a name of ours, with their KiB."""
    return script(_SURVEY, folder, title="look at the sizes of backups")


def parse_survey(stdout: str) -> dict[str, int]:
    """Bytes on disk, by name."""
    found: dict[str, int] = {}
    for line in stdout.splitlines():
        count, _, name = line.partition(" ")
        if count.isdigit() and name:
            found[name] = int(count) * 1024
    return found


def remove(folder: str, names: Sequence[str]) -> Command:
    """Removes folders below `folder`; only under the lock.

    Raises:
        ValueError: for a name that leads anywhere else.
    """
    if any("/" in name or name.startswith(".") or not name for name in names):
        raise ValueError(f"not names of backups: {names!r}")
    return script(_REMOVE, folder, *names, title="remove backups")
