"""The scripts that put a backup beside what serves, and that remove what was put aside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.catalog import names
from schedgen_ops.backup.create.integrity import LIBRARY
from schedgen_ops.backup.databases import loading
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, script

# The head of each script sets $docker and the places. An empty $db or $store is one that is not restored.
HEAD = rf"""
folder=$1 dump=$2 archive=$3 db=$4 user=$5 name=$6 new=$7 before=$8 mark=$9; shift 9
store=$1 image=$2 path=$3 stamp=$4; shift 4
docker=()
while [ "$1" != -- ]; do docker+=("$1"); shift; done; shift
fail() {{ say "$1"; exit 1; }}
known='export PGPASSWORD="${{POSTGRES_PASSWORD-}}"; exec "$@"'
inside() {{ "${{docker[@]}}" exec -i "$db" sh -c "$known" sh "$@"; }}
psql() {{ inside psql -XqAt -v ON_ERROR_STOP=1 -v user="$user" -v name="$name" -v new="$new" \
  -v before="$before" -v mark="$mark" -U "$user" "$@"; }}
# The databases of restores whose name is $1 and a stamp.
ours() {{ psql -d template1 -v stem="$1" <<'SQL'
SELECT d.datname FROM pg_database d WHERE {names.OURS} ORDER BY 1
SQL
}}
# What the dump subscribed to ends here alone: whoever publishes is not asked.
drop() {{
  psql -d template1 -v each="$1" <<< 'ALTER DATABASE :"each" ALLOW_CONNECTIONS true IS_TEMPLATE false;' &&
    psql -d "$1" <<'SQL' && psql -d template1 -v each="$1" <<< 'DROP DATABASE :"each" WITH (FORCE);'
SELECT format('ALTER SUBSCRIPTION %I DISABLE', subname),
       format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname),
       format('DROP SUBSCRIPTION %I', subname)
  FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
\gexec
SQL
}}
# Its own image has what it needs: the store's volumes, no network, and a shell.
helper() {{ "${{docker[@]}}" run --rm -i --network none --volumes-from "$store" --user 0:0 --entrypoint sh \
  "$image" -c "$1" sh "$path" "$stamp"; }}
"""

_IN_VOLUME = f'{names.FOLDER_OURS}cd -- "$1" || exit\n'
_SWEEP = f'{_IN_VOLUME}for f in .schedgen-new-*; do ! ours "$f" || discard "$f" || exit; done\n'

# On stdin: the sections of `loading`. The rest of the words: the bytes that are needed, the program that
# reads the dump, the shell texts that make a folder beside the objects and remove it, and the queries.
_BESIDE = (
    LIBRARY
    + HEAD
    + loading.LOADING
    + rf"""
need=$1 reader=$2 begin=$3 remove=$4; shift 4
sections
cd -- "$folder" || fail "the folder is gone"
root=$("${{docker[@]}}" info --format '{{{{.DockerRootDir}}}}' 2>/dev/null)
free=$( {{ df -Pk -- "$root" 2>/dev/null || df -Pk .; }} | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
free=$((free * 1024))
[ "$free" -ge "$need" ] || fail "a restore needs $need bytes of disk, and $free are free"
unpacking='' made=''
undo() {{
  [ -z "$unpacking" ] || {{ kill -- "-$unpacking"; wait "$unpacking"; }}
  [ -z "$made" ] || drop "$new"
  [ -z "$store" ] || helper "$remove" < /dev/null
}} >/dev/null 2>&1
trap 'code=$?; trap "" TERM INT HUP PIPE; [ "$code" -eq 0 ] || undo; exit "$code"' EXIT
trap 'exit 130' TERM INT HUP PIPE

objects() {{
  helper "$begin" < /dev/null >&2 || fail "no folder beside the objects"
  unpack "$archive" | "${{docker[@]}}" cp - "$store:$path/.schedgen-new-$stamp/{names.DATA}" >&2 ||
    fail "the objects could not be unpacked"
  "${{docker[@]}}" cp "$store:$path/.schedgen-new-$stamp/{names.DATA}/." - | LC_ALL=C tar -tf - |
    sed '/\/$/d' | wc -l > "$seen" || fail "the unpacked objects could not be read again"
}}
if [ -n "$store" ]; then
  seen=$(mktemp) || fail "no file can be made in ${{TMPDIR:-/tmp}}"
  set -m; objects & unpacking=$!; set +m
fi
if [ -n "$db" ]; then
  left=$(ours "${{new%"$stamp"}}") || fail "the database server does not answer"
  for each in $left; do drop "$each" || fail "$each, which an earlier restore left, cannot be dropped"; done
  there=$(psql -d template1 <<< "SELECT count(*) FROM pg_database WHERE datname = :'new'") &&
    [ "$there" = 0 ] || fail "there is a database $new, which no restore made"
  made=1
  load "$@"
fi
if [ -n "$store" ]; then
  wait "$unpacking" || exit 1
  echo "objects $(cat "$seen") 0"; rm -f -- "$seen"
fi
echo end
"""
)

# What earlier restores put aside: `database NAME BYTES` and `objects NAME KIB`; `unmarked NAME` has the form
# of one, and not the mark. The rest of the words: how the names of databases begin, and a text for a helper.
_KEPT = (
    LIBRARY
    + HEAD
    + rf"""
stem=$1 look=$2
[ -z "$db" ] || psql -d template1 -v stem="$stem" <<'SQL' || exit
SELECT CASE WHEN {names.OURS} THEN 'database ' || d.datname || ' ' || pg_database_size(d.oid)
            ELSE 'unmarked ' || d.datname END
  FROM pg_database d WHERE d.datname = :'stem' || right(d.datname, 15)
   AND right(d.datname, 15) ~ '^\d{{8}}_\d{{6}}$'
SQL
[ -z "$store" ] || helper "$look" < /dev/null
"""
)
_LOOK = (
    _IN_VOLUME
    + f"""
for f in .schedgen-before-{"[0-9]" * 8}_{"[0-9]" * 6}; do
  [ -d "$f" ] || continue
  if ours "$f"; then echo "objects $f $(du -sk "$f" | cut -f 1)"; else echo "unmarked $f"; fi
done
"""
)

# The rest of the words: how the names of databases begin, new ones and old, the text for a helper, and names
# as `kept` tells them. What is gone already is no failure; what has no mark of ours is, and stays.
_DISCARD = (
    LIBRARY
    + HEAD
    + r"""
stems=("$1" "$2") remove=$3; shift 3
known_ours() { local stem; for stem in "${stems[@]}"; do ours "$stem" || return; done; }
there() { psql -d template1 -v each="$1" <<< "SELECT count(*) FROM pg_database WHERE datname = :'each'"; }
for each in "$@"; do case $each in
  .schedgen-*) stamp=$each; helper "$remove" < /dev/null || fail "$each could not be removed" ;;
  *) found=$(known_ours) || fail "the database server does not answer"
    if grep -qxF -e "$each" <<< "$found"; then
      drop "$each" || fail "the database $each could not be dropped"
    else
      [ "$(there "$each")" = 0 ] || fail "the database $each has no mark of a restore, and stays"
    fi ;;
esac; done
"""
)
_REMOVE = (
    _IN_VOLUME
    + """
[ -e "$2" ] || exit 0
ours "$2" || { echo "reason: $2 has no mark of a restore, and stays" >&2; exit 1; }
discard "$2"
"""
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a backup goes to on a host. An empty container's id is a part that is not restored.

    Attributes:
        database, objects: the containers of the database and of the object store.
        image: the object store's image.
        stamp: the restore's time, YYYYMMDD_HHMMSS in UTC: what is put aside is called after it.
    """

    docker: Docker
    database: str
    objects: str
    image: str
    stamp: str
    of_database: Database
    of_objects: Objects

    @property
    def new(self) -> str:
        """The restored database's name until it takes its place."""
        return names.new(self.of_database.name, self.stamp)

    @property
    def before(self) -> str:
        """The old database's name once it gave its place away."""
        return names.before(self.of_database.name, self.stamp)

    def words(self, folder: str = "", dump: str = "", archive: str = "") -> tuple[str, ...]:
        """The words that every script begins with."""
        base = self.of_database
        named = (base.user, base.name, self.new, self.before, names.mark(base.name, self.stamp))
        store = (self.objects, self.image, self.of_objects.path, self.stamp)
        return (folder, dump, archive, self.database, *named, *store, *self.docker.words, "--")


def beside(places: Places, folder: str, backup: m.Manifest, queries: Sequence[str], need: int) -> Command:
    """Restores `backup` beside what serves and tells what is in it; leaves nothing if that fails.

    Args:
        need: bytes of disk that must be free.
    """
    dump, archive = backup.database, backup.archive
    reader = " ".join(postgres.reader(custom=backup.database_format == "custom"))
    words = places.words(folder, dump.name if dump else "", archive.name if archive else "")
    one = '".schedgen-new-$2"'
    folders = (f"{_SWEEP}claim {one}\n", f"{_IN_VOLUME}discard {one}\n")
    command = script(_BESIDE, *words, str(need), reader, *folders, *queries, title="restore beside")
    return command.with_stdin(loading.sections(backup))


def kept(places: Places) -> Command:
    """What earlier restores put aside."""
    stem = names.before_stem(places.of_database.name)
    return script(_KEPT, *places.words(), stem, _LOOK, title="list what restores put aside")


def discard(places: Places, what: Sequence[str]) -> Command:
    """Removes what a restore put aside, for good; only what has the mark of one."""
    name = places.of_database.name
    stems = (names.new_stem(name), names.before_stem(name))
    words = (*places.words(), *stems, _REMOVE, *what)
    return script(_DISCARD, *words, title="discard what a restore put aside")
