"""The script that restores a backup into a throwaway container, and tells what came out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.create.integrity import LIBRARY
from schedgen_ops.backup.databases import loading, properties, sql
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command, script

LABEL = "schedgen.drill"

# $1 the folder, $2 the dump's file, $3 the archive's, "" for none, $4 bytes needed, $5 whose drill it is, $6
# the image, $7 and $8 user and database, $9 the program that reads the dump, with its options, ${10} how many
# tablespaces it needs. Then docker's words, --, and the queries. On stdin: the sections of `loading`.
# The container has no network and a password that nobody knows; nothing of it needs to survive a crash.
_DRILL = (
    LIBRARY
    + loading.LOADING
    + r"""
cd -- "$1" || exit
dump=$2 archive=$3 need=$4 whose=$5 image=$6 user=$7 name=$8 reader=$9; shift 9
places=$1; shift
docker=()
while [ "$1" != -- ]; do docker+=("$1"); shift; done; shift
new=$name box='' settings=''
sections
fail() { say "$1"; exit 1; }
known='export PGPASSWORD="${POSTGRES_PASSWORD-}"; exec "$@"'
inside() { "${docker[@]}" exec -i "$box" sh -c "$known" sh "$@"; }
psql() { inside psql -XqAt -v ON_ERROR_STOP=1 -v name="$name" -v new="$new" -v mark= -U "$user" "$@"; }
# Tablespaces of the backup are folders here.
room_for() {
  local data where
  [ "$places" -gt 0 ] || return 0
  data=$(psql -d template1 -c 'SHOW data_directory' < /dev/null) &&
    where=$(inside sh -c 'where=$(mktemp -d) && for n in $(seq "$2"); do mkdir "$where/$n" || exit; done &&
      chown -R "$(stat -c %u:%g "$1")" "$where" && echo "$where"' sh "$data" "$places" < /dev/null) &&
    psql -d template1 -v where="$where" <<< "$tablespaces" >/dev/null
}

if [ -n "$dump" ]; then
  root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2>/dev/null)
  free=$( { df -Pk -- "$root" 2>/dev/null || df -Pk .; } | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  free=$((free * 1024))
  [ "$free" -ge "$need" ] || fail "a drill needs $need bytes of disk, and $free are free"
  left=$("${docker[@]}" ps -aq --filter "label="""
    + LABEL
    + r"""=$whose")
  [ -z "$left" ] || "${docker[@]}" rm -fv $left >/dev/null
  trap 'rm -f -- "$settings"; [ -z "$box" ] || "${docker[@]}" rm -fv "$box" >/dev/null 2>&1' EXIT
  trap 'exit 130' TERM INT HUP PIPE
  settings=$(umask 077; mktemp) || fail "no file can be made in ${TMPDIR:-/tmp}"
  printf 'POSTGRES_USER=%s\nPOSTGRES_DB=postgres\nPOSTGRES_PASSWORD=%s\n' "$user" \
    "$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')" > "$settings"
  box=$("${docker[@]}" create --network none --label """
    + LABEL
    + r"""="$whose" --cpu-shares 256 --env-file "$settings" "$image" -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c autovacuum=off -c max_wal_size=4GB) &&
    "${docker[@]}" start "$box" >/dev/null || fail "no container of the database's image starts"
  # While the cluster is being made, it answers on its socket alone.
  inside sh -c 'for n in $(seq 600); do pg_isready -q -h 127.0.0.1 -U "$1" && exit; sleep 0.2; done; exit 1' \
    sh "$user" || { "${docker[@]}" logs --tail 15 "$box" >&2; fail "the throwaway database did not start"; }
  room_for || fail "the tablespaces could not be made"
  psql -d template1 <<< 'DROP DATABASE IF EXISTS :"new";' || fail "the throwaway database cannot be made anew"
  load "$@"
fi
[ -z "$archive" ] || archived "$archive" || fail "the objects' archive cannot be read"
echo end
"""
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a drill found in the restored database and in the archive; `counted` says that it looked."""

    facts: sql.Facts
    objects: int | None
    answers: tuple[str, ...]
    counted: bool = True


def drill(
    folder: str,
    backup: m.Manifest,
    docker: Docker,
    image: str,
    database: Database,
    queries: Sequence[str],
    need: int,
    whose: str = "",
) -> Command:
    """Restores `backup` where nobody sees it, and tells its rows, the answers to `queries`, and its objects.

    Args:
        image: the PostgreSQL image.
        need: bytes of disk that must be free.
        whose: marks the container, so that a later drill of the same removes what a killed one left.
    """
    dump, archive = backup.database, backup.archive
    words = (
        folder,
        dump.name if dump else "",
        archive.name if archive else "",
        str(need),
        whose,
        image,
        database.user,
        database.name,
        " ".join(postgres.reader(custom=backup.database_format == "custom")),
        str(len(properties.tablespaces(backup.properties))),
        *docker.words,
        "--",
        *queries,
    )
    return script(_DRILL, *words, title="drill the backup").with_stdin(loading.sections(backup))


def parse(stdout: str) -> Seen:
    """Reads the answer of `drill`.

    Raises:
        ValueError: for anything else, and where its end is missing.
    """
    *lines, end = stdout.splitlines() or [""]
    if end != "end":
        raise ValueError("a drill did not answer to its end")
    objects, facts, answers = None, [], []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "objects":
            objects = int(rest.split()[0])
        elif word == "answer":
            answers.append(rest)
        else:
            facts.append(line)
    return Seen(sql.parse(facts) if facts else sql.Facts(), objects, tuple(answers), bool(facts))


def wrong(seen: Seen, backup: m.Manifest, queries: Sequence[str]) -> tuple[str, ...]:
    """What a drill showed that is not as the manifest says, a sentence each."""
    found: list[str] = []
    if backup.database and not seen.counted:
        found.append("the rows that were restored were not counted")
    elif backup.rows:
        found += sql.differences(backup.rows, seen.facts.rows)
    large = backup.properties.get("large")
    if large is not None and seen.facts.large not in (None, large):
        found.append(f"there are {seen.facts.large} large objects instead of {large}")
    if seen.objects is not None and seen.objects != backup.objects:
        found.append(f"the archive has {seen.objects} objects instead of {backup.objects}")
    for query, answer in zip(queries, seen.answers, strict=False):
        if answer in ("", "0", "f", "false"):
            found.append(f"{query!r} answered {answer or 'nothing'!r}")
    return tuple(found)
