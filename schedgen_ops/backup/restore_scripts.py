"""The scripts that put a backup beside what serves, and that remove what was put aside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup import manifest as m
from schedgen_ops.backup import sql
from schedgen_ops.backup.drill_scripts import roles
from schedgen_ops.backup.integrity import LIBRARY
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, script

# The head of each script sets $docker and the places. An empty $db or $store is one that is not restored.
HEAD = r"""
folder=$1 dump=$2 archive=$3 db=$4 user=$5 name=$6 new=$7 before=$8 store=$9; shift 9
image=$1 path=$2 stamp=$3; shift 3
docker=()
while [ "$1" != -- ]; do docker+=("$1"); shift; done; shift
fail() { say "$1"; exit 1; }
known='export PGPASSWORD="${POSTGRES_PASSWORD-}"; exec "$@"'
inside() { "${docker[@]}" exec -i "$db" sh -c "$known" sh "$@"; }
psql() { inside psql -XqAt -v ON_ERROR_STOP=1 -v user="$user" -v name="$name" -v new="$new" \
  -v before="$before" -U "$user" "$@"; }
drop() { psql -d template1 <<< "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE);"; }
# Its own image has what it needs: the store's volumes, no network, and a shell.
helper() { "${docker[@]}" run --rm -i --network none --volumes-from "$store" --user 0:0 --entrypoint sh \
  "$image" -c "$1" sh "$path" "$stamp"; }
"""

# On stdin: SQL that makes the roles, a line ==, SQL that counts. The rest of the words: the bytes that are
# needed, the program that reads the dump, and the queries.
_BESIDE = (
    LIBRARY
    + HEAD
    + r"""
need=$1 reader=$2; shift 2
roles='' count=''
while IFS= read -r line && [ "$line" != == ]; do roles+=$line$'\n'; done
count=$(cat)
cd -- "$folder" || fail "the folder is gone"
root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2>/dev/null)
free=$( { df -Pk -- "$root" 2>/dev/null || df -Pk .; } | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
free=$((free * 1024))
[ "$free" -ge "$need" ] || fail "a restore needs $need bytes of disk, and $free are free"
unpacking=''
undo() {
  [ -z "$unpacking" ] || { kill -- "-$unpacking"; wait "$unpacking"; }
  [ -z "$db" ] || drop "$new"
  [ -z "$store" ] || helper 'rm -rf -- "$1/.schedgen-new-$2"' < /dev/null
} >/dev/null 2>&1
trap 'code=$?; trap "" TERM INT HUP PIPE; [ "$code" -eq 0 ] || undo; exit "$code"' EXIT
trap 'exit 130' TERM INT HUP PIPE

objects() {
  helper 'rm -rf -- "$1"/.schedgen-new-*; mkdir -p -- "$1/.schedgen-new-$2"' < /dev/null >&2 ||
    fail "no folder beside the objects"
  unpack "$archive" | "${docker[@]}" cp - "$store:$path/.schedgen-new-$stamp" >&2 ||
    fail "the objects could not be unpacked"
  "${docker[@]}" cp "$store:$path/.schedgen-new-$stamp/." - | LC_ALL=C tar -tf - |
    sed '/\/$/d' | wc -l > "$seen" || fail "the unpacked objects could not be read again"
}
if [ -n "$store" ]; then
  seen=$(mktemp) || fail "no file can be made in ${TMPDIR:-/tmp}"
  set -m; objects & unpacking=$!; set +m
fi
if [ -n "$db" ]; then
  psql -d template1 -v left="${new%"$stamp"}" <<'SQL' || fail "the database server does not answer"
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
 WHERE left(datname, length(:'left')) = :'left'
\gexec
SQL
  psql -d template1 <<'SQL' || fail "no database could be made beside the old one"
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L', :'new',
              pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype)
  FROM pg_database WHERE datname = :'name'
UNION ALL
SELECT format('CREATE DATABASE %I TEMPLATE template0', :'new')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name')
\gexec
SQL
  psql -d template1 <<< "$roles" || fail "the roles could not be made"
  unpack "$dump" | inside $reader -U "$user" -d "$new" >/dev/null || fail "the dump could not be restored"
  psql -d "$new" <<< "$count" || fail "the restored rows could not be counted"
  for query in "$@"; do
    answer=$(psql -d "$new" -c "$query" | head -n 1) || fail "a query failed: $query"
    printf 'answer %s\n' "$answer"
  done
  psql -d "$new" <<< 'ANALYZE;' || fail "the restored database could not be analyzed"
fi
if [ -n "$store" ]; then
  wait "$unpacking" || exit 1
  echo "objects $(cat "$seen") 0"; rm -f -- "$seen"
fi
echo end
"""
)

# What earlier restores put aside: `database NAME BYTES` and `objects NAME KIB`.
_KEPT = (
    LIBRARY
    + HEAD
    + r"""
[ -z "$db" ] || psql -d template1 <<< "
  SELECT 'database ' || datname || ' ' || pg_database_size(oid) FROM pg_database
   WHERE left(datname, length('$before')) = '$before'"
[ -z "$store" ] || helper '
  cd -- "$1" || exit
  for f in .schedgen-before-*; do
    [ ! -d "$f" ] || echo "objects $f $(du -sk "$f" | cut -f 1)"
  done' < /dev/null
"""
)

# The rest of the words: names, as `kept` tells them.
_DISCARD = (
    LIBRARY
    + HEAD
    + r"""
for each in "$@"; do case $each in
  .schedgen-*) stamp=$each; helper 'rm -rf -- "$1/$2"' < /dev/null || fail "$each could not be removed" ;;
  *) drop "$each" || fail "the database $each could not be dropped" ;;
esac; done
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
        return f"{self.of_database.name[:30]}_new_{self.stamp}"

    @property
    def before(self) -> str:
        """The old database's name once it gave its place away."""
        return f"{prefix(self.of_database)}{self.stamp}"

    def words(self, folder: str = "", dump: str = "", archive: str = "") -> tuple[str, ...]:
        """The words that every script begins with."""
        base = self.of_database
        names = (base.user, base.name, self.new, self.before)
        store = (self.objects, self.image, self.of_objects.path, self.stamp)
        return (folder, dump, archive, self.database, *names, *store, *self.docker.words, "--")


def prefix(database: Database) -> str:
    """How the names of the databases begin that restores put aside."""
    return f"{database.name[:30]}_before_"


def beside(places: Places, folder: str, backup: m.Manifest, queries: Sequence[str], need: int) -> Command:
    """Restores `backup` beside what serves and tells what is in it; leaves nothing if that fails.

    Args:
        need: bytes of disk that must be free.
    """
    dump, archive = backup.database, backup.archive
    reader = " ".join(postgres.reader(custom=backup.database_format == "custom"))
    words = places.words(folder, dump.name if dump else "", archive.name if archive else "")
    stdin = f"{roles(backup.roles)}==\n{sql.counted()}"
    return script(_BESIDE, *words, str(need), reader, *queries, title="restore beside").with_stdin(stdin)


def kept(places: Places) -> Command:
    """What earlier restores put aside."""
    words = list(places.words())
    words[7] = prefix(places.of_database)
    return script(_KEPT, *words, title="list what restores put aside")


def discard(places: Places, names: Sequence[str]) -> Command:
    """Removes what a restore put aside, for good."""
    return script(_DISCARD, *places.words(), *names, title="discard what a restore put aside")
