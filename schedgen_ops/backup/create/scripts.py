"""The script that writes a backup on a host. Pure.

What it prints on stdout is for us, a line each; `reason:` on stderr says why it gave up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.create.integrity import LIBRARY
from schedgen_ops.backup.databases import sql
from schedgen_ops.shell import Command, script

REASON = "reason: "
# The exit code where there is nothing to back up; then nothing was touched.
NOTHING = 3
# How the lines begin that `parse_made` reads.
ANSWERS = ("file ", "objects ", "fact ")

# $1 the folder to be, $2 auto, gzip or zstd, $3 plain or custom, $4 env file, $5 compose file, "" for none.
# $6 the SQL that exports a snapshot, $7 what is asked within it. Then three shell commands, "" for none:
# $8 reads that SQL, $9 writes the dump of the snapshot named on stdin, ${10} writes the objects.
# The manifest to begin with is on stdin.
_CREATE = (
    LIBRARY
    + r"""
part=$1.part how=$2 format=$3 env=$4 compose=$5 begin=$6 facts=$7 session=$8 dump=$9 archive=${10}
umask 077
[ -e "$env" ] || [ -n "$compose$dump$archive" ] || {
  say "there is nothing to back up: neither a file ${env:-.env} nor a release"; exit """
    + str(NOTHING)
    + r"""
}
mkdir -p -- "${part%/*}" && mkdir -- "$part" || { say "${part%/*} cannot be written"; exit 1; }
top=$$ project=$PWD here=$(cd -- "$part" && pwd) || exit
database='' objects=''
# Each job in a group of its own, so that all it started can be ended.
set -m
end_jobs() { for job in $(jobs -p); do kill -- "-$job"; done 2>/dev/null; }
give_up() { trap '' TERM INT HUP PIPE USR1; end_jobs; rm -rf -- "$here"; exit 1; }
fail() { say "$1"; kill -USR1 "$top"; exit 1; }
trap give_up TERM INT HUP USR1
trap 'say "the database does not answer"; give_up' PIPE
# Whether gzip would save a fifth of the objects, by their first 4 MiB: on PDFs it mostly costs time.
shrinks() {
  bash -o pipefail -c "$archive" 2>/dev/null </dev/null | head -c 4194304 > sample
  local all packed; all=$(wc -c < sample) packed=$(gzip -1 -c sample | wc -c); rm -f -- sample
  [ $((packed * 5)) -lt $((all * 4)) ]
}
cd -- "$here" && cat > manifest.json || fail "the manifest cannot be written"
case $how in
  auto) db=gzip ob=none
    if command -v zstd >/dev/null; then ob=zstd; elif [ -n "$archive" ] && shrinks; then ob=gzip; fi ;;
  *) db=$how ob=$how; command -v "$how" >/dev/null || fail "$how is not installed" ;;
esac
end() { case $1 in zstd) echo .zst ;; gzip) echo .gz ;; esac; }
if [ "$format" = custom ]; then db_file=database.dump$(end "$db"); else db_file=database.sql$(end "$db"); fi
ob_file=objects.tar$(end "$ob")

describe() {
  local sum; sum=$(digest < "$1") && echo "file $1 $(wc -c < "$1") ${sum%% *}" || fail "no checksum of $1"
}
# What the shell command $2 writes, as it is packed.
packed() {
  if [ "$1" = none ]; then bash -o pipefail -c "$2"; else bash -o pipefail -c "$2" | packer "$1"; fi
}
# Everybody waits for the dump: it is looked at while it is written, and what the disk has is only compared.
database() {
  local ways line sum
  mkfifo pass || fail "$part cannot be written"
  digest < pass > passed & sum=$!
  packed "$db" "$dump" <<< "$snapshot" |
    tee --output-error=exit -- "$db_file" pass | complete "$db_file" /dev/stdin
  ways=${PIPESTATUS[*]}
  wait "$sum"
  case $ways in
    '0 0 0') echo "written database" ;;
    '0 0 '*) fail "the database's dump is not complete" ;;
    *) fail "the database's dump failed" ;;
  esac
  line=$(describe "$db_file") || exit
  sum=$(cat passed)
  [ "${line##* }" = "${sum%% *}" ] || fail "$db_file is not on the disk as it was written"
  rm -f -- pass passed
  echo "$line"
}
# Nobody waits for the objects, and they are the most: they are read once they are there, which copies less.
objects() {
  local check
  packed "$ob" "$archive" > "$ob_file" || fail "the objects' archive failed"
  echo "written objects"
  archived "$ob_file" & check=$!
  describe "$ob_file"
  wait "$check" || fail "the objects' archive cannot be read"
}
config() {
  cp -- "$1" "$2" && chmod 600 -- "$2" || fail "$1 cannot be copied"
  describe "$2"
}
report() {
  # Where nobody listens any more the connection is gone, and the backup is nobody's.
  trap '' PIPE
  local name size
  while sleep 1; do
    for name in database objects; do
      size=$(stat -c %s -- "$name".* 2>/dev/null) || continue
      echo "progress $name $size" 2>/dev/null || { kill -TERM "$top"; exit; }
    done
  done
}

if [ -n "$dump" ]; then
  mkfifo to from || fail "$part cannot be written"
  bash -o pipefail -c "$session" < to > from &
  exec 8>to 7<from
  rm -f -- to from
  printf '%s\n' "$begin" >&8
  IFS= read -r -t 90 line <&7 && [ "${line#snapshot }" != "$line" ] || fail "the database gave no snapshot"
  snapshot=${line#snapshot }
  printf '%s\n' "$facts" >&8
  database 7<&- 8>&- & database=$!
fi
[ -z "$archive" ] || { objects 7<&- 8>&- & objects=$!; }
report 7<&- 8>&- & reporter=$!
set +m
case $env in ''|/*) ;; *) env=$project/$env ;; esac
[ ! -e "$env" ] || ( config "$env" config.env ) || exit
[ -z "$compose" ] || ( config "$compose" config.compose.yaml ) || exit
[ -z "$database" ] || wait "$database" || give_up
if [ -n "$dump" ]; then
  while IFS= read -r line <&7; do echo "fact $line"; [ "$line" != counted ] || break; done
  [ "$line" = counted ] || fail "the database's rows could not be counted"
  printf 'COMMIT;\n\\q\n' >&8
  exec 7<&- 8>&-
fi
[ -z "$objects" ] || wait "$objects" || give_up
kill -- "-$reporter"
sync -f . 2>/dev/null || sync
"""
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a backup is made of: shell commands that write it, and files that are copied; "" for none.

    Attributes:
        session: psql in the database's container; `dump` writes the snapshot named on stdin.
        archive: writes the objects as a tar.
        table: the table that lists the applied migrations.
    """

    session: str = ""
    dump: str = ""
    archive: str = ""
    env_file: str = ""
    compose_file: str = ""
    table: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to back up."""
        return not (self.dump or self.archive or self.env_file or self.compose_file)


@dataclass(frozen=True, slots=True)
class Made:
    """What a finished script says of the backup."""

    files: tuple[m.File, ...]
    objects: int
    sizes: dict[str, int]
    facts: sql.Facts


def create(folder: str, compression: str, form: str, parts: Parts, started: m.Manifest) -> Command:
    """Writes and checks a backup beside `folder`; leaves nothing if that fails.

    Args:
        compression: auto (what psql reads stays gzip), gzip or zstd.
        form: plain or custom, of the dump.
        started: the manifest to begin with.
    """
    about = sql.about(parts.table)
    files = (parts.env_file, parts.compose_file)
    commands = (parts.session, parts.dump, parts.archive)
    words = (folder, compression, form, *files, sql.SNAPSHOT, about, *commands)
    return script(_CREATE, *words, title="back up").with_stdin(m.to_json(started))


def parse_progress(line: str) -> tuple[str, int] | None:
    """The part and its bytes so far, if a line of `create` says that."""
    match line.split():
        case ["progress", part, count] if count.isdigit():
            return part, int(count)
    return None


def parse_written(line: str) -> str:
    """The part that is written now and only checked yet, if a line of `create` says that; else ""."""
    match line.split():
        case ["written", part]:
            return part
    return ""


def parse_made(lines: Iterable[str]) -> Made:
    """Reads the answer of `create`, its progress left out (see `ANSWERS`).

    Raises:
        ValueError: for anything else.
    """
    files, objects, sizes, facts = [], 0, {}, []
    for line in lines:
        match line.split():
            case ["file", name, size, sha256] if re.fullmatch(r"[0-9a-f]{64}", sha256):
                files.append(m.File(name, int(size), sha256))
            case ["objects", count, size]:
                objects, sizes["objects"] = int(count), int(size)
            case ["fact", *_]:
                facts.append(line.removeprefix("fact "))
            case _:
                raise ValueError(f"a backup answered {line!r}")
    about = sql.parse(facts) if facts else sql.Facts()
    if about.size:
        sizes["database"] = about.size
    return Made(tuple(sorted(files, key=lambda file: file.name)), objects, sizes, about)


def reason(stderr: str) -> tuple[str, str]:
    """Why a script gave up, and everything else that it said."""
    # What bash says of its own jobs tells nobody anything.
    lines = [line for line in stderr.splitlines() if not re.match(r"\[\d+\][+-]? ", line)]
    reasons = [line.removeprefix(REASON) for line in lines if line.startswith(REASON)]
    return (reasons[0] if reasons else ""), "\n".join(line for line in lines if not line.startswith(REASON))
