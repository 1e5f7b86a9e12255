# PostgreSQL, by the programs in its own container; lib/database.bash says what each function does.
source lib/reason.bash
embed databases/postgres/with_password.sh
embed databases/postgres/snapshot.sql
embed databases/postgres/facts.sql
embed databases/postgres/roles.sql
embed databases/postgres/make.sql
embed databases/postgres/empty.sql
embed databases/postgres/count.sql
embed databases/postgres/finish.sql
embed databases/postgres/folders.sql
embed databases/postgres/tablespaces.sql
embed databases/postgres/ours.sql
embed databases/postgres/superseded.sql
embed databases/postgres/drop_subscriptions.sql
embed databases/postgres/rename.sql
embed databases/postgres/server.sql
embed databases/postgres/end_slots.sql

# inside PROGRAM...: it runs in the container, with the password that is known there.
inside() { "${docker[@]}" exec -i "$db" sh -c "$with_password_sh" sh "$@"; }

# session WORD...: psql, bare rows of what is asked on stdin; it ends with the first error.
session() { inside psql -XqAtw -v ON_ERROR_STOP=1 -U "$user" "$@"; }

# psql WORD...: a session that knows the names of a restore.
psql() { session -v name="$name" -v new="$new" -v before="$before" -v mark="$mark" "$@"; }

# variable NAME TEXT: the line that sets a variable of psql to a text of one line: by stdin, no list of processes
# shows it.
# shellcheck disable=SC2001 # bash 5.2 reads backslashes of a replacement otherwise than 5.1
variable() { printf "\\\\set %s '%s'\n" "$1" "$(LC_ALL=C sed "s/[\\\\']/\\\\&/g" <<< "$2")"; }

# A dump's own programs say where it ends.
db_complete() {
  case $1 in
    plain) tail -n 10 | grep -q -e '-- PostgreSQL database dump complete' ;;
    *) [ "$({
      head -c 5
      cat > /dev/null
    })" = PGDMP ] ;;
  esac
}

db_open() {
  local line
  mkfifo to from || {
    say "$PWD cannot be written"
    return 1
  }
  session -F $'\t' -d "$name" < to > from &
  exec 8> to 7< from
  rm -f -- to from
  printf '%s\n' "$snapshot_sql" >&8
  IFS= read -r -t 90 line <&7 && [ "${line#snapshot }" != "$line" ] || return
  snapshot=${line#snapshot }
  {
    variable table "$1"
    printf '%s\n' "$facts_sql"
  } >&8
}

# Uncompressed, or SQL that replaces what is there when psql reads it. What that drops first cannot always be named
# in an empty database: `adapted` leaves it out.
db_dump() {
  local how=(--clean --if-exists)
  [ "$1" = plain ] || how=(--format=custom --compress=0)
  inside pg_dump "${how[@]}" --no-password --lock-wait-timeout=60s -U "$user" -d "$name" --snapshot="$snapshot"
}

db_facts() {
  local line
  while IFS= read -r line <&7; do
    printf '%s\n' "$line"
    [ "$line" != counted ] || return 0
  done
  return 1
}

db_close() {
  printf 'COMMIT;\n\\q\n' >&8
  exec 7<&- 8>&-
}

# A line of JSON each: the roles that the dump may speak of, the properties, and the tablespaces besides the
# server's own.
db_read_told() { IFS= read -r roles && IFS= read -r properties && IFS= read -r tablespaces; }

# given SQL: it, with what the backup says.
given() {
  variable roles "$roles"
  variable given "$properties"
  variable tablespaces "$tablespaces"
  printf '%s' "$1"
}

db_make() {
  psql -d template1 < <(given "$roles_sql") > /dev/null || fail "the roles could not be made"
  psql -d template1 < <(given "$make_sql") > /dev/null || fail "no database could be made as the backup says"
  psql -d "$new" < <(given "$empty_sql") > /dev/null || fail "the new database could not be emptied"
}

# adapted: a plain dump for an empty database, as this server and its psql understand it. It begins by dropping
# what it makes, which cannot always be named where it is not; a newer pg_dump's knows settings and commands that
# are not known here.
adapted() {
  local line name key='' last='' head=1
  while IFS= read -r line; do
    case $line in
      '-- Name: '* | '-- Data for Name: '*) [ "$last" != -- ] || {
        printf -- '%s\n' "$line"
        break
      } ;;
      '\restrict '*) if [ -n "$restricts" ]; then printf '%s\n' "$line"; else key=${line#* }; fi ;;
      '\unrestrict '*) [ -z "$restricts" ] || printf '%s\n' "$line" ;;
      'SET '*)
        name=${line#SET }
        name=${name%% *}
        case $head$knows in 1*" $name "*) printf '%s\n' "$line" ;; esac
        ;;
      'SELECT pg_catalog.set_config('*) [ -z "$head" ] || printf '%s\n' "$line" ;;
      --* | '') ;;
      *) head='' ;;
    esac
    last=$line
  done
  case $key in
    '' | *[!A-Za-z0-9]*) cat ;;
    *) LC_ALL=C sed "/^\\\\unrestrict $key\$/d" ;;
  esac
}

db_load() {
  local as knows restricts
  knows=" $(psql -d template1 -c "SELECT string_agg(name, ' ') FROM pg_settings" < /dev/null) " ||
    fail "the database server does not answer"
  # An event trigger may forbid what comes after it in the dump: as a replica's it does not fire.
  as=$(psql -d template1 -c "SELECT '-c session_replication_role=replica' FROM pg_roles
    WHERE rolname = current_user AND rolsuper" < /dev/null)
  if [ "$1" = custom ]; then
    inside env PGOPTIONS="$as" pg_restore --exit-on-error --no-password -U "$user" -d "$new" > /dev/null
  else
    restricts=$(inside psql --help=commands < /dev/null 2> /dev/null | grep -F '\restrict ')
    adapted | inside env PGOPTIONS="$as" psql -XqAtw -v ON_ERROR_STOP=1 -U "$user" -d "$new" > /dev/null
  fi
}

db_count() { psql -d "$1" <<< "$count_sql"; }
db_query() { psql -d "$1" -c "$2" < /dev/null; }

# The database's own settings come last: they may forbid all of this.
db_finish() {
  psql -d "$new" <<< 'ANALYZE;' || fail "the restored database could not be analyzed"
  psql -d template1 < <(given "$finish_sql") > /dev/null || fail "the database's own settings could not be put back"
}

# Tablespaces of the backup are folders here.
room_for_tablespaces() {
  local count data where
  [ "$tablespaces" != '[]' ] || return 0
  # shellcheck disable=SC2016 # the container's shell reads it
  count=$(psql -d template1 < <(given "$folders_sql")) &&
    data=$(psql -d template1 -c 'SHOW data_directory' < /dev/null) &&
    where=$(inside sh -c 'where=$(mktemp -d) && for n in $(seq "$2"); do mkdir "$where/$n" || exit; done &&
      chown -R "$(stat -c %u:%g "$1")" "$where" && echo "$where"' sh "$data" "$count" < /dev/null) &&
    psql -d template1 -v where="$where" < <(given "$tablespaces_sql") > /dev/null
}

# The server has a password that nobody knows; nothing of it needs to survive a crash.
db_throwaway() {
  printf 'POSTGRES_USER=%s\nPOSTGRES_DB=postgres\nPOSTGRES_PASSWORD=%s\n' "$user" \
    "$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')" > "$scratch"
  { db=$("${docker[@]}" create --network none --label schedgen.drill="$1" --cpu-shares 256 \
    --env-file "$scratch" "$image" -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
    -c autovacuum=off -c max_wal_size=4GB) &&
    "${docker[@]}" start "$db" > /dev/null; } || fail "no container of the database's image starts"
}
db_await() {
  # While the cluster is being made, it answers on its socket alone.
  # shellcheck disable=SC2016 # the container's shell reads it
  inside sh -c 'for n in $(seq 600); do pg_isready -q -h 127.0.0.1 -U "$1" && exit; sleep 0.2; done; exit 1' \
    sh "$user" || {
    "${docker[@]}" logs --tail 15 "$db" >&2
    fail "the throwaway database did not start"
  }
  room_for_tablespaces || fail "the tablespaces could not be made"
  psql -d template1 <<< 'DROP DATABASE IF EXISTS :"new";' || fail "the throwaway database cannot be made anew"
}

db_ours() { psql -d template1 -v stem="$1" <<< "$ours_sql"; }
db_there() { psql -d template1 -v each="$1" <<< "SELECT count(*) FROM pg_database WHERE datname = :'each'"; }
db_superseded() { psql -d template1 -v stem="$1" <<< "$superseded_sql"; }

# What its dump subscribed to ends here alone, whoever publishes is not asked.
db_drop() {
  psql -d template1 -v each="$1" <<< 'ALTER DATABASE :"each" ALLOW_CONNECTIONS true IS_TEMPLATE false;' &&
    psql -d "$1" <<< "$drop_subscriptions_sql" &&
    psql -d template1 -v each="$1" <<< 'DROP DATABASE :"each" WITH (FORCE);'
}

# Two renames in one transaction.
db_rename() { psql -d template1 -v from="$1" -v to="$2" -v aside="$3" <<< "$rename_sql" > /dev/null; }

db_server() { psql -d template1 <<< "$server_sql"; }

# Logical replication slots of the old database would hold its WAL.
db_end_followers() {
  local left
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    psql -d template1 <<< "$end_slots_sql" || fail "the database server does not answer"
    left=$(psql -d template1 <<< "SELECT count(*) FROM pg_replication_slots WHERE database = :'before'")
    [ "$left" != 0 ] || return 0
    sleep 0.2
  done
  fail "logical replication slots of $before are still read, and hold its WAL"
}
