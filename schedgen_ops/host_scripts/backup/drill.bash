# Restores a backup into a throwaway container, and tells the rows, the answers to queries, and the objects; `end`
# at its end. The container has no network and a password that nobody knows; nothing of it needs to survive a
# crash. What the backup says of its database is on stdin.
#: docker[]  the engine's words
#: folder    the backup's
#: dump      the file of its database, or ""
#: archive   the file of its objects, or ""
#: need      bytes of disk that must be free
#: whose     marks the container: whose drill it is
#: image     the database's
#: user      who makes and asks it there
#: name      the database
#: reader[]  the program that reads the dump, with its options
#: folders   how many tablespaces the database needs
#: queries[] each must answer well
source lib/loading.bash
embed backup/tablespaces.sql

cd -- "$folder" || exit
new=$name db='' settings=''
# shellcheck disable=SC2034 # psql in lib/postgres.bash reads it
variables=(-v name="$name" -v new="$new" -v mark=)
read_backup

# Tablespaces of the backup are folders here.
room_for_tablespaces() {
  local data where
  [ "$folders" -gt 0 ] || return 0
  # shellcheck disable=SC2016 # the container's shell reads it
  data=$(psql -d template1 -c 'SHOW data_directory' < /dev/null) &&
    where=$(inside sh -c 'where=$(mktemp -d) && for n in $(seq "$2"); do mkdir "$where/$n" || exit; done &&
      chown -R "$(stat -c %u:%g "$1")" "$where" && echo "$where"' sh "$data" "$folders" < /dev/null) &&
    psql -d template1 -v where="$where" < <(given "$tablespaces_sql") > /dev/null
}

if [ -n "$dump" ]; then
  free=$(free_bytes)
  [ "$free" -ge "$need" ] || fail "a drill needs $need bytes of disk, and $free are free"
  left=$("${docker[@]}" ps -aq --filter "label=schedgen.drill=$whose")
  # shellcheck disable=SC2086 # a list of ids
  [ -z "$left" ] || "${docker[@]}" rm -fv $left > /dev/null
  trap 'rm -f -- "$settings"; [ -z "$db" ] || "${docker[@]}" rm -fv "$db" >/dev/null 2>&1' EXIT
  trap 'exit 130' TERM INT HUP PIPE
  settings=$(
    umask 077
    mktemp
  ) || fail "no file can be made in ${TMPDIR:-/tmp}"
  printf 'POSTGRES_USER=%s\nPOSTGRES_DB=postgres\nPOSTGRES_PASSWORD=%s\n' "$user" \
    "$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')" > "$settings"
  { db=$("${docker[@]}" create --network none --label schedgen.drill="$whose" --cpu-shares 256 \
    --env-file "$settings" "$image" -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
    -c autovacuum=off -c max_wal_size=4GB) &&
    "${docker[@]}" start "$db" > /dev/null; } || fail "no container of the database's image starts"
  # While the cluster is being made, it answers on its socket alone.
  # shellcheck disable=SC2016 # the container's shell reads it
  inside sh -c 'for n in $(seq 600); do pg_isready -q -h 127.0.0.1 -U "$1" && exit; sleep 0.2; done; exit 1' \
    sh "$user" || {
    "${docker[@]}" logs --tail 15 "$db" >&2
    fail "the throwaway database did not start"
  }
  room_for_tablespaces || fail "the tablespaces could not be made"
  psql -d template1 <<< 'DROP DATABASE IF EXISTS :"new";' || fail "the throwaway database cannot be made anew"
  load "${queries[@]}"
fi
[ -z "$archive" ] || archived "$archive" || fail "the objects' archive cannot be read"
echo end
