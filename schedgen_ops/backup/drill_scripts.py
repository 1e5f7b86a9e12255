"""The script that restores a backup into a throwaway container, and tells what came out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup import manifest as m
from schedgen_ops.backup import sql
from schedgen_ops.backup.integrity import LIBRARY
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command, script

LABEL = "schedgen.drill"

# $1 the folder, $2 the dump's file, $3 the archive's, "" for none, $4 bytes needed, $5 the container's
# name, $6 the image, $7 and $8 user and database, $9 the program that reads the dump, with its options.
# Then docker's words, --, and the queries. On stdin: SQL that makes the roles, a line ==, SQL that counts.
# The container has no network and a password that nobody knows; nothing of it needs to survive a crash.
_DRILL = (
    LIBRARY
    + r"""
cd -- "$1" || exit
dump=$2 archive=$3 need=$4 name=$5 image=$6 user=$7 database=$8 reader=$9; shift 9
docker=()
while [ "$1" != -- ]; do docker+=("$1"); shift; done; shift
roles='' count=''
while IFS= read -r line && [ "$line" != == ]; do roles+=$line$'\n'; done
count=$(cat)
fail() { say "$1"; exit 1; }
known='export PGPASSWORD="${POSTGRES_PASSWORD-}"; exec "$@"'
inside() { "${docker[@]}" exec -i "$name" sh -c "$known" sh "$@"; }
psql() { inside psql -XqAt -v ON_ERROR_STOP=1 -U "$user" -d "$database" "$@"; }

if [ -n "$dump" ]; then
  root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2>/dev/null)
  free=$( { df -Pk -- "$root" 2>/dev/null || df -Pk .; } | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  free=$((free * 1024))
  [ "$free" -ge "$need" ] || fail "a drill needs $need bytes of disk, and $free are free"
  left=$("${docker[@]}" ps -aq --filter "label="""
    + LABEL
    + r"""")
  [ -z "$left" ] || "${docker[@]}" rm -fv $left >/dev/null
  trap 'rm -f -- "$settings"; "${docker[@]}" rm -fv "$name" >/dev/null 2>&1' EXIT
  trap 'exit 130' TERM INT HUP PIPE
  settings=$(umask 077; mktemp) || fail "no file can be made in ${TMPDIR:-/tmp}"
  printf 'POSTGRES_USER=%s\nPOSTGRES_DB=%s\nPOSTGRES_PASSWORD=%s\n' "$user" "$database" \
    "$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')" > "$settings"
  "${docker[@]}" run --detach --network none --name "$name" --label """
    + LABEL
    + r""" --cpu-shares 256 \
    --env-file "$settings" "$image" -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
    -c autovacuum=off -c max_wal_size=4GB >/dev/null || fail "no container of the database's image starts"
  # While the cluster is being made, it answers on its socket alone.
  inside sh -c 'for n in $(seq 600); do pg_isready -q -h 127.0.0.1 -U "$1" && exit; sleep 0.2; done; exit 1' \
    sh "$user" || { "${docker[@]}" logs --tail 15 "$name" >&2; fail "the throwaway database did not start"; }
  psql <<< "$roles" || fail "the roles could not be made"
  unpack "$dump" | inside $reader -U "$user" -d "$database" >/dev/null ||
    fail "the dump could not be restored"
  psql <<< "$count" || fail "the restored rows could not be counted"
  for query in "$@"; do
    answer=$(psql -c "$query" | head -n 1) || fail "a query failed: $query"
    printf 'answer %s\n' "$answer"
  done
fi
[ -z "$archive" ] || archived "$archive" || fail "the objects' archive cannot be read"
echo end
"""
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a drill found in the restored database and in the archive."""

    facts: sql.Facts
    objects: int | None
    answers: tuple[str, ...]


def roles(names: Sequence[str]) -> str:
    """SQL that makes the roles which a dump may speak of, where they are missing."""
    literals = (name.replace("'", "''") for name in names)
    return "".join(
        f"SELECT format('CREATE ROLE %I', '{name}')"
        f" WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')\n\\gexec\n"
        for name in literals
    )


def drill(
    folder: str,
    backup: m.Manifest,
    docker: Docker,
    image: str,
    database: Database,
    queries: Sequence[str],
    need: int,
) -> Command:
    """Restores `backup` where nobody sees it, and tells its rows, the answers to `queries`, and its objects.

    Args:
        image: the PostgreSQL image.
        need: bytes of disk that must be free.
    """
    dump, archive = backup.database, backup.archive
    words = (
        folder,
        dump.name if dump else "",
        archive.name if archive else "",
        str(need),
        f"schedgen-drill-{backup.id}",
        image,
        database.user,
        database.name,
        " ".join(postgres.reader(custom=backup.database_format == "custom")),
        *docker.words,
        "--",
        *queries,
    )
    stdin = f"{roles(backup.roles)}==\n{sql.counted()}"
    return script(_DRILL, *words, title="drill the backup").with_stdin(stdin)


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
    return Seen(sql.parse(facts) if facts else sql.Facts(), objects, tuple(answers))


def wrong(seen: Seen, backup: m.Manifest, queries: Sequence[str]) -> tuple[str, ...]:
    """What a drill showed that is not as the manifest says, a sentence each."""
    found: list[str] = []
    if backup.rows:
        found += sql.differences(backup.rows, seen.facts.rows)
    if seen.objects is not None and seen.objects != backup.objects:
        found.append(f"the archive has {seen.objects} objects instead of {backup.objects}")
    for query, answer in zip(queries, seen.answers, strict=False):
        if answer in ("", "0", "f", "false"):
            found.append(f"{query!r} answered {answer or 'nothing'!r}")
    return tuple(found)
