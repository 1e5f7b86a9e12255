"""What makes, checks and lists backups on a host. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.backup import manifest as m
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, quote, script, sh

DATABASE = "database.sql.gz"
OBJECTS = "objects.tar.gz"

# $1 the folder to be, $2 and $3 the shell commands that write the database and the objects, "" for none.
# Both are written at the same time beside the final folder, checked, and described on stdout.
_CREATE = """
part=$1.part
umask 077
mkdir -p -- "$(dirname -- "$part")" && mkdir -- "$part" && cd -- "$part" || exit
part=$PWD
trap 'rm -rf -- "$part"; exit 130' INT TERM HUP
give_up() { cat -- *.log 2>/dev/null | tail -n 15 >&2; echo "$1" >&2; rm -rf -- "$part"; exit 1; }

database='' objects=''
if [ -n "$2" ]; then bash -o pipefail -c "$2" > database.sql.gz 2> database.log & database=$!; fi
if [ -n "$3" ]; then bash -o pipefail -c "$3" > objects.tar.gz 2> objects.log & objects=$!; fi
[ -z "$database" ] || wait "$database" || give_up "the database's dump failed"
[ -z "$objects" ] || wait "$objects" || give_up "the objects' archive failed"

if [ -n "$database" ]; then
  gzip -dc database.sql.gz | tail -n 10 | grep -q -e '-- PostgreSQL database dump complete' \\
    || give_up "the database's dump is not complete"
fi
if [ -n "$objects" ]; then
  count=$(gzip -dc objects.tar.gz | tar -t | sed '/\\/$/d' | wc -l) \\
    || give_up "the objects' archive cannot be read"
  echo "objects $count"
fi
rm -f -- *.log
for file in *; do
  sum=$(sha256sum < "$file") || give_up "no checksum of $file"
  echo "file $file $(wc -c < "$file") ${sum%% *}"
done
sync -f . 2>/dev/null || sync
"""

_FINISH = """
umask 077
cat > "$1.part/manifest.json" && [ ! -e "$1" ] && mv -T -- "$1.part" "$1"
"""

# Never makes the folder anew: it may have been removed meanwhile.
_AMEND = """
umask 077
cd -- "$1" && cat > manifest.json.new && mv -f -- manifest.json.new manifest.json
"""

_SWEEP = """
[ -d "$1" ] || exit 0
find "$1" -mindepth 1 -maxdepth 1 -type d -name '*-[0-9]*_[0-9]*.part' -exec rm -rf -- {} +
"""

# A line for each folder that could be ours: its name, a space, its manifest.
_LIST = """
cd -- "$1" 2>/dev/null || exit 0
for folder in *-[0-9]*_[0-9]*/; do
  folder=${folder%/}
  case $folder in *.part|'*'*) continue ;; esac
  printf '%s %s\\n' "$folder" "$(tr -d '\\n\\0' < "$folder/manifest.json" 2>/dev/null)"
done
"""


def _compressed(command: Command) -> str:
    return command.pipe(sh("gzip", "-3")).text


def dump_command(docker: Docker, container: str, database: Database) -> str:
    """The shell text that writes the compressed dump to stdout."""
    return _compressed(postgres.dump(docker, container, database.user, database.name))


def archive_command(docker: Docker, container: str, objects: Objects) -> str:
    """The shell text that writes the objects' compressed archive to stdout; the container needs no tar."""
    return _compressed(docker("cp", f"{container}:{objects.path}/.", "-"))


def create(folder: str, dump: str, archive: str) -> Command:
    """Writes and checks a backup beside `folder`; leaves nothing if that fails."""
    return script(_CREATE, folder, dump, archive, title="back up")


def finish(folder: str, manifest: m.Manifest) -> Command:
    """Gives a checked backup its manifest and its name."""
    return script(_FINISH, folder, title="finish the backup").with_stdin(m.to_json(manifest))


def amend(folder: str, manifest: m.Manifest) -> Command:
    """Replaces the manifest of a backup that is there."""
    return script(_AMEND, folder, title="record it in the manifest").with_stdin(m.to_json(manifest))


def discard(folder: str) -> Command:
    """Removes an unfinished backup."""
    return sh("rm", "-rf", "--", f"{folder}.part")


def sweep(folder: str) -> Command:
    """Removes the unfinished backups that a killed run left; only under the lock."""
    return script(_SWEEP, folder, title="sweep unfinished backups")


def list_(folder: str) -> Command:
    """Every manifest below `folder`, one a line."""
    return script(_LIST, folder, title="list backups")


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in the backups' folder.

    Attributes:
        backups: all that could be read, whatever their state.
        unreadable: folders with our kind of name and no manifest that can be trusted.
    """

    backups: tuple[m.Manifest, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def good(self) -> tuple[m.Manifest, ...]:
        """The ones that count, newest first."""
        return m.newest_first(self.backups)


def parse_list(stdout: str) -> Listing:
    """Reads the answer of `list_`; a torn or altered manifest, or another folder's, is no backup."""
    found, unreadable = [], []
    for line in filter(None, stdout.splitlines()):
        name, _, text = line.partition(" ")
        try:
            manifest = m.from_json(text)
        except ValueError:
            manifest = None
        if manifest is not None and manifest.id == name:
            found.append(manifest)
        elif m.is_backup_id(name):
            unreadable.append(name)
    return Listing(tuple(found), tuple(unreadable))


def parse_files(stdout: str) -> tuple[tuple[m.File, ...], int]:
    """The files of a new backup and the number of objects: lines `file NAME SIZE SHA256` and `objects N`.

    Raises:
        ValueError: for anything else.
    """
    found, objects = [], 0
    for line in stdout.splitlines():
        match line.split():
            case ["file", name, size, sha256] if re.fullmatch(r"[0-9a-f]{64}", sha256):
                found.append(m.File(name, int(size), sha256))
            case ["objects", count]:
                objects = int(count)
            case _:
                raise ValueError(f"a backup answered {line!r}")
    return tuple(found), objects


def restore_database(directory: str, folder: str, database: Database) -> str:
    """The line an operator types on the host to restore the database without us."""
    psql = sh("docker", "compose", "exec", "-T", database.service, "psql", "-U", database.user)
    dump = sh("gunzip", "-c", f"{folder}/{DATABASE}")
    return f"cd {quote(directory)} && {dump.text} | {psql.text} -d {quote(database.name)}"


def restore_objects(directory: str, folder: str, objects: Objects) -> str:
    """The line an operator types on the host to put the objects back without us."""
    copy = sh("docker", "compose", "cp", "-", f"{objects.service}:{objects.path}")
    archive = sh("gunzip", "-c", f"{folder}/{OBJECTS}")
    return f"cd {quote(directory)} && {archive.text} | {copy.text}"
