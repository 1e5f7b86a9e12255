"""The script that exchanges what was restored and what serves, and the one that takes it back. Pure.

A database takes the place of the old one by two renames in one transaction, objects by renames at the top of
their volume. What was there is kept in the same way: nothing is copied, and everything can be exchanged back.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.catalog import names
from schedgen_ops.backup.create.integrity import LIBRARY
from schedgen_ops.backup.restore.scripts import HEAD, Places
from schedgen_ops.host_scripts import library
from schedgen_ops.shell import Command, script

# $1 the lock of our folder of state. A script that was left alone, by Ctrl-C or a lost connection, ends what
# it began, and the one that takes back waits for it. What it stops is noted beside.
_ALONE = r"""
umask 077
export STOPPED=${1%/*}/stopped/data
mkdir -p -- "${1%/*}" && exec 9>>"$1" || exit
flock --timeout 900 9 || { echo "reason: another restore still works here" >&2; exit 1; }
body=$2; shift 2
setsid bash -o pipefail -c "$body" schedgen-restore "$@" <&0 &
wait "$!"
"""

# A marker in the old objects' folder says that all of them are in it: what is at the top since is new. What
# other restores put aside stays where it is.
_MOVE = (
    names.FOLDER_OURS
    + r"""
cd -- "$1" || exit
old=.schedgen-before-$2 new=.schedgen-new-$2
all() { for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
  case ${f##*/} in lost+found) continue ;; esac
  ours "$f" && continue
  if [ -e "$f" ] || [ -L "$f" ]; then mv -- "$f" "$2/" || return; fi
done; }
"""
)
_FORWARD = (
    _MOVE
    + rf"""
claim "$old" || exit
[ -e "$old/{names.MOVED}" ] || {{ all . "$old/{names.DATA}" && : > "$old/{names.MOVED}"; }} || exit
[ -d "$new" ] || exit 0
ours "$new" && all "./$new/{names.DATA}" . && rmdir -- "$new/{names.DATA}" && discard "$new"
"""
)
_BACK = (
    _MOVE
    + rf"""
[ -d "$old" ] || exit 0
ours "$old" || {{ rmdir -- "$old"; exit; }}
[ ! -e "$old/{names.MOVED}" ] ||
  {{ claim "$new" && all . "$new/{names.DATA}" && rm "$old/{names.MOVED}"; }} || exit
[ ! -d "$old/{names.DATA}" ] || {{ all "./$old/{names.DATA}" . && rmdir -- "$old/{names.DATA}"; }} || exit
discard "$old"
"""
)

# :from takes the place of :to, and :to is called :aside from then on; nobody is let in meanwhile. Where there
# is no :from, that was done or never begun. The comment of what is beside is the mark, and below it the
# owner's own. Whatever happens, what is called :to lets in at the end.
_RENAME = r"""SELECT count(*) FILTER (WHERE datname = :'from') > 0 AS come,
       count(*) FILTER (WHERE datname = :'to') > 0 AS go,
       coalesce(bool_or(datname = :'from' AND said.mark IS DISTINCT FROM :'mark'), false) AS strange,
       coalesce(max(said.whole) FILTER (WHERE datname = :'to'), '') AS old,
       coalesce(max(said.own) FILTER (WHERE datname = :'from'), '') AS own
  FROM pg_database, LATERAL (SELECT split_part(whole, E'\n', 1) AS mark, whole,
         CASE WHEN strpos(whole, E'\n') > 0 THEN substr(whole, strpos(whole, E'\n') + 1) END AS own
    FROM (SELECT shobj_description(oid, 'pg_database') AS whole) AS comment) AS said
\gset
\if :strange
DO $$ BEGIN RAISE EXCEPTION 'the database has no mark of this restore'; END $$;
\endif
SELECT :'mark' || CASE :'old' WHEN '' THEN '' ELSE E'\n' || :'old' END AS wrapped
\gset
\if :come
\if :go
ALTER DATABASE :"to" ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname IN (:'from', :'to') AND pid <> pg_backend_pid();
\set ON_ERROR_STOP off
BEGIN;
ALTER DATABASE :"to" RENAME TO :"aside";
ALTER DATABASE :"from" RENAME TO :"to";
COMMENT ON DATABASE :"aside" IS :'wrapped';
COMMENT ON DATABASE :"to" IS :'own';
COMMIT;
\set ON_ERROR_STOP on
\else
BEGIN;
ALTER DATABASE :"from" RENAME TO :"to";
COMMENT ON DATABASE :"to" IS :'own';
COMMIT;
\endif
\endif
SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', datname) FROM pg_database
 WHERE datname IN (:'to', :'aside')
\gexec
SELECT 1 / (count(*) FILTER (WHERE datname = :'to') - count(*) FILTER (WHERE datname = :'from'))
  FROM pg_database;
"""

# The rest of the words: forward or back, the seconds that services have to get healthy, the helper's text
# for either direction, the SQL that renames, and the containers of the services that use the data.
_EXCHANGE = (
    LIBRARY
    + library("stopped")
    + HEAD
    + r"""
trap '' HUP PIPE TERM INT
direction=$1 limit=$2 forward=$3 back=$4 renaming=$5; shift 5
clients=("$@")
now() { echo "${EPOCHREALTIME/[.,]/}"; }
rename() { psql -d template1 -v from="$1" -v to="$2" -v aside="$3" <<< "$renaming" >/dev/null; }
# What cannot be looked at is not healthy.
healthy() {
  local end=$((SECONDS + limit)) seen good
  while :; do
    seen=$("${docker[@]}" inspect --format \
      '{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}}' "$@") ||
      seen="docker inspect failed"
    good=$(grep -c -e ' running healthy$' -e ' running none$' <<< "$seen")
    [ "$good" -ne "$#" ] || return 0
    [ "$SECONDS" -lt "$end" ] || break
    sleep 0.2
  done
  seen=$(grep -v -e ' running healthy$' -e ' running none$' <<< "$seen")
  say "not healthy after ${limit}s: ${seen#/}"
  return 1
}
finish() { [ "$#" -eq 0 ] || "${docker[@]}" stop "$@" >/dev/null; }
serve() {
  local bad=''
  # The store first: the others want it. They are started whatever becomes of it.
  [ -z "$store" ] || start_all "$store" || bad=yes
  [ -z "$store" ] || [ -n "$bad" ] || healthy "$store" || bad=unwell
  start_all "${clients[@]}" || bad=yes
  [ "$bad" = yes ] && { say "what was stopped could not all be started"; return 1; }
  rm -f -- "$STOPPED"
  [ -z "$bad" ] || return
  [ "${#clients[@]}" -eq 0 ] || healthy "${clients[@]}"
}
data_back() {
  if [ -n "$db" ]; then rename "$before" "$name" "$new" || return; fi
  [ -z "$store" ] || helper "$back" < /dev/null >&2
}
data_forward() {
  if [ -n "$db" ] && ! rename "$new" "$name" "$before"; then
    say "the databases could not be renamed"; return 1
  fi
  [ -z "$store" ] || helper "$forward" < /dev/null >&2 || {
    say "the objects could not be exchanged"; return 1; }
}
began=$(now)
note_stopped "$STOPPED" "${clients[@]}" ${store:+"$store"} || fail "what is to be stopped could not be noted"
finish "${clients[@]}" || { serve; fail "the services that use the data could not be stopped"; }
[ -z "$store" ] || finish "$store" || { serve; fail "the object store could not be stopped"; }
if [ "$direction" = back ]; then
  data_back || { serve; fail "the old data could not be put back"; }
elif ! data_forward; then
  data_back; serve; exit 1
fi
serve || exit 1
echo "gap $(( $(now) - began ))"
"""
)


def exchange(places: Places, lock: str, clients: Sequence[str], wait: int, *, back: bool = False) -> Command:
    """Exchanges what was restored and what serves, with the services that use it stopped meanwhile.

    Args:
        lock: a file that only one of these scripts holds at a time.
        clients: the containers of those services.
        wait: seconds that they have to get healthy.
        back: whether what was exchanged before is put back.
    """
    direction = "back" if back else "forward"
    words = (lock, _EXCHANGE, *places.words(), direction, str(wait), _FORWARD, _BACK, _RENAME, *clients)
    return script(_ALONE, *words, title="exchange back" if back else "exchange")


def parse_gap(stdout: str) -> float:
    """The seconds that the services were away, by the answer of `exchange`.

    Raises:
        ValueError: for anything else.
    """
    match stdout.split():
        case [*_, "gap", microseconds]:
            return int(microseconds) / 1e6
    raise ValueError(f"an exchange answered {stdout!r}")
