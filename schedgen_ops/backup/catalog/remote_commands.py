"""What finishes, lists and removes backups on a host, and the lines that restore by hand. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.catalog import names
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import library
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, quote, script, sh

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_IMAGE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.:@/-]*)?\Z")

_ARCHIVE = f"""
container=$1 path=$2; shift 2
ours() {{
  [[ $1 =~ ^\\.schedgen-(new|before)-([0-9]{{8}}_[0-9]{{6}})$ ]] || return
  local marked stamp=${{BASH_REMATCH[2]}}
  marked=$("${{docker[@]}}" cp "$container:$path/$1/{names.MARK}" - </dev/null | tar -xOf -)
  [ "$marked" != "schedgen restore $stamp" ] || return 0
  [ "${{BASH_REMATCH[1]}}" = before ] &&
    "${{docker[@]}}" exec "$container" ls -A "$path/$1" </dev/null | grep -qxF '{names.MOVED_BEFORE}'
}} 2>/dev/null
docker=("$@") aside=()
while IFS= read -r each; do ! ours "$each" || aside+=("./$each"); done \
  < <("$@" exec "$container" ls -A "$path" </dev/null 2>/dev/null)
if [ ${{#aside[@]}} -eq 0 ]; then exec "$@" cp "$container:$path/." -; fi
"$@" cp "$container:$path/." - | tar -f - --delete "${{aside[@]}}"
"""

# $1 the folder, $2 the bytes of the manifest, which is on stdin.
_FINISH = (
    library("files")
    + """
umask 077
whole "$1.part/manifest.json" "$2" && [ ! -e "$1" ] && durable "$1.part" "$1"
"""
)

# $1 a folder. Ours is a backup's exact name with the manifest of that backup in it. So is one with nothing in
# it, or with a manifest of no bytes alone: a backup that was ended as it began, and nothing is lost.
OURS = r"""
written() { grep -qF "\"id\":\"$2\"" -- "$1/manifest.json" 2>/dev/null; }
ours() {
  local id=${1##*/}; id=${id%.part}
  [ -d "$1" ] && [ ! -L "$1" ] && [[ $id =~ ^(pre-deployment|manual|safety)-[0-9]{8}_[0-9]{6}$ ]] || return
  written "$1" "$id" && return
  [ -z "$(find "$1" -mindepth 1 '(' ! -path "$1/manifest.json" -o -size +0 ')' | head -n 1)" ]
}
# The manifest goes last: what is left of a removal that was ended is still ours.
discard() {
  find "$1" -mindepth 1 -maxdepth 1 ! -name manifest.json -exec rm -rf -- {} + && rm -rf -- "$1"
}
"""

_SWEEP = (
    OURS
    + """
[ -d "$1" ] || exit 0
# A script that lost its connection may write for a moment yet.
for try in 1 2 3 4 5 6 7 8 9 10; do
  left=''
  for folder in "$1"/*.part; do ! ours "$folder" || discard "$folder" || left=1; done
  [ -n "$left" ] || exit 0
  sleep 0.5
done
exit 1
"""
)

# The record of one that came to nothing; its data goes. Another one of that name is not ours to touch.
_FAIL = (
    library("files")
    + OURS
    + """
umask 077
! written "$1.part" "$3" || discard "$1.part"
mkdir -- "$1" || exit
whole "$1/manifest.json" "$2" || { rm -rf -- "$1"; exit 1; }
"""
)

# A manifest of a backup that is there, replaced.
_UPDATE = (
    library("files")
    + """
umask 077
whole "$1/manifest.json" "$2"
"""
)

# A line for each folder that could be ours: its name, a space, its manifest.
_LIST = """
cd -- "$1" 2>/dev/null || exit 0
for folder in *-[0-9]*_[0-9]*/; do
  folder=${folder%/}
  case $folder in '*'*) continue ;; esac
  printf '%s %s\\n' "$folder" "$(tr -d '\\n\\0' < "$folder/manifest.json" 2>/dev/null)"
done
"""


def session_command(docker: Docker, container: str, database: Database, name: str = "") -> str:
    """The shell text of psql in the database's container; `name` is another database than the configured."""
    return postgres.session(docker, container, database.user, name or database.name).text


def dump_command(docker: Docker, container: str, database: Database, form: str) -> str:
    """The shell text that writes the dump of the snapshot named on stdin."""
    custom = form == "custom"
    return postgres.dump(docker, container, database.user, database.name, custom=custom).text


def archive_command(docker: Docker, container: str, objects: Objects) -> str:
    """The shell text that writes the objects as a tar to stdout; the container needs no tar.

    What restores put aside beside the objects is left out.
    """
    return script(_ARCHIVE, container, objects.path, *docker.words).text


def finish(folder: str, manifest: m.Manifest) -> Command:
    """Gives a checked backup its manifest and its name."""
    return _with_manifest(_FINISH, folder, manifest, "finish the backup")


def fail(folder: str, manifest: m.Manifest) -> Command:
    """Leaves nothing of an unfinished backup but the record that says why."""
    return _with_manifest(_FAIL, folder, manifest, "record the failed backup")


def update(folder: str, manifest: m.Manifest) -> Command:
    """Replaces the manifest of a backup, complete or not at all."""
    return _with_manifest(_UPDATE, folder, manifest, "update the manifest")


def _with_manifest(text: str, folder: str, manifest: m.Manifest, title: str) -> Command:
    data = m.to_json(manifest)
    return script(text, folder, str(len(data.encode())), manifest.id, title=title).with_stdin(data)


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
        if manifest is not None and name == _folder(manifest) and _plain(manifest):
            found.append(manifest)
        elif m.is_backup_id(name):
            unreadable.append(name)
    return Listing(tuple(found), tuple(unreadable))


def _folder(manifest: m.Manifest) -> str:
    return f"{manifest.id}.part" if manifest.state is m.State.STARTED else manifest.id


def _plain(manifest: m.Manifest) -> bool:
    """Whether what becomes a path or a word of a command can be no more than a name."""
    plain = all(_FILE.match(file.name) for file in manifest.files)
    return plain and _IMAGE.match(manifest.image) is not None


def restore_database(directory: str, folder: str, database: Database, dump: m.File) -> str:
    """The line an operator types on the host to restore the database without us."""
    custom = dump.name.startswith("database.dump")
    program = ("pg_restore", "--clean", "--if-exists") if custom else ("psql",)
    words = ("docker", "compose", "exec", "-T", database.service, *program)
    restore = sh(*words, "-U", database.user, "-d", database.name)
    return f"cd {quote(directory)} && {unpack(folder, dump).text} | {restore.text}"


def restore_objects(directory: str, folder: str, objects: Objects, archive: m.File) -> str:
    """The line an operator types on the host to put the objects back without us."""
    copy = sh("docker", "compose", "cp", "-", f"{objects.service}:{objects.path}")
    return f"cd {quote(directory)} && {unpack(folder, archive).text} | {copy.text}"


def unpack(folder: str, file: m.File) -> Command:
    """A file's bytes before compression, on stdout."""
    program = {"gzip": ("gunzip", "-c"), "zstd": ("zstd", "-dc")}.get(file.compression, ("cat",))
    return sh(*program, f"{folder}/{file.name}")
