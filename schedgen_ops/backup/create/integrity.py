"""Whether a backup is what was written: read again from the disk, every file to its end. Pure."""

from __future__ import annotations

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.shell import Command, script

# Functions of every script that writes or reads backups. A checksum is of what is on the disk, read again.
LIBRARY = r"""
say() { echo "reason: $1" >&2; }
packer() {
  if [ "$1" = zstd ]; then zstd -q -1 -T0 -c
  elif command -v pigz >/dev/null; then pigz -1 -c; else gzip -1 -c; fi
}
# $1 a file of a backup; $2 what is read in its place, where its name alone tells how it is packed.
unpack() {
  case $1 in
    *.zst) zstd -q -dc ;;
    *.gz) if command -v pigz >/dev/null; then pigz -dc; else gzip -dc; fi ;;
    *) cat ;;
  esac < "${2-$1}"
}
# openssl takes a fifth of the time, where the processor helps it.
digest() { if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi; }
complete() {
  case $1 in
    *.sql.*) unpack "$@" | tail -n 10 | grep -q -e '-- PostgreSQL database dump complete' ;;
    *) [ "$(unpack "$@" | { head -c 5; cat >/dev/null; })" = PGDMP ] ;;
  esac
}
# Two blocks of zeros end a tar; without them it was cut at a block's edge, which tar itself passes over. Who
# tells something here tells it in one line of one program: they speak at the same time.
archived() {
  local said count total
  said=$( { unpack "$1" | tee >(echo "rest $(tail -c 1024 | tr -d '\0' | wc -c)" >&3) |
    { LC_ALL=C tar -t --totals -f - 2>&1 >&4 | sed -n 's/^Total bytes read: \([0-9]*\).*/total \1/p' >&3
    } 4>&1 | sed '/\/$/d' | wc -l >&3; } 3>&1 ) || return
  grep -qx 'rest 0' <<< "$said" || return
  count=$(sed -n '/^[0-9][0-9]*$/p' <<< "$said")
  total=$(sed -n 's/^total //p' <<< "$said")
  [ -n "$count" ] && echo "objects $count ${total:-0}"
}
"""

# $1 the folder, then for each file its name, size and checksum: everything that is wrong, a line each.
# The objects are counted where their archive can be read.
_VERIFY = (
    LIBRARY
    + r"""
cd -- "$1" 2>/dev/null || { echo "wrong the folder is gone"; exit 0; }
shift
one() {
  [ -f "$1" ] || { echo "wrong $1 is missing"; return; }
  [ "$(wc -c < "$1")" = "$2" ] || echo "wrong $1 has $(wc -c < "$1") bytes instead of $2"
  local sum; sum=$(digest < "$1")
  [ "${sum%% *}" = "$3" ] || echo "wrong $1 is not what was written: its SHA-256 differs"
  case $1 in
    database.*) complete "$1" 2>/dev/null || echo "wrong $1 is not a complete dump" ;;
    objects.*) archived "$1" 2>/dev/null || echo "wrong $1 cannot be read to its end" ;;
  esac
}
while [ $# -gt 0 ]; do one "$1" "$2" "$3" & shift 3; done
wait
"""
)


def verify(folder: str, manifest: m.Manifest) -> Command:
    """Reads every file of a backup to its end."""
    words = (word for file in manifest.files for word in (file.name, str(file.size), file.sha256))
    return script(_VERIFY, folder, *words, title="verify the backup")


def parse_verified(stdout: str, manifest: m.Manifest) -> tuple[str, ...]:
    """What is wrong with a backup, by the answer of `verify`; () if nothing is.

    Raises:
        ValueError: for anything else.
    """
    wrong, objects = [], None
    for line in stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "wrong":
            wrong.append(rest)
        elif word == "objects":
            objects = int(rest.split()[0])
        else:
            raise ValueError(f"a backup's verification answered {line!r}")
    if objects is not None and objects != manifest.objects:
        wrong.append(f"the archive has {objects} objects instead of {manifest.objects}")
    return tuple(wrong)
