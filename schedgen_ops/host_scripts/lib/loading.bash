# A database made as a backup says, and its dump loaded, for a drill and a restore. Whoever sources this has what
# lib/postgres.bash needs, with the variables new, name and mark; `dump` is the file's name and `reader` the
# program that reads it, with its options.
source lib/postgres.bash
source lib/backup_files.bash
embed backup/roles.sql
embed backup/make.sql
embed backup/empty.sql
embed backup/count.sql
embed backup/finish.sql

# read_backup: what the backup says of its database comes on stdin, since it may hold secrets: a line of JSON each
# with the roles that the dump may speak of, the properties, and the tablespaces besides the server's own.
read_backup() {
  { IFS= read -r roles && IFS= read -r properties && IFS= read -r tablespaces; } ||
    fail "what the backup says of its database did not come"
}

# given SQL: it, with what the backup says.
given() {
  variable roles "$roles"
  variable given "$properties"
  variable tablespaces "$tablespaces"
  printf '%s' "$1"
}

# free_bytes: of the disk where Docker keeps its data.
free_bytes() {
  local root free
  root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2> /dev/null)
  free=$({ df -Pk -- "$root" 2> /dev/null || df -Pk .; } | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  echo $((free * 1024))
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

dumped() {
  case $dump in
    *.sql*) unpack "$dump" | adapted ;;
    *) unpack "$dump" ;;
  esac
}

# load QUERY...: tells the rows that came out, and what the queries answer. The database's own settings come last:
# they may forbid all of this.
load() {
  local query answer as
  psql -d template1 < <(given "$roles_sql") > /dev/null || fail "the roles could not be made"
  psql -d template1 < <(given "$make_sql") > /dev/null || fail "no database could be made as the backup says"
  psql -d "$new" < <(given "$empty_sql") > /dev/null || fail "the new database could not be emptied"
  knows=" $(psql -d template1 -c "SELECT string_agg(name, ' ') FROM pg_settings" < /dev/null) " ||
    fail "the database server does not answer"
  restricts=$(inside psql --help=commands < /dev/null 2> /dev/null | grep -F '\restrict ')
  # An event trigger may forbid what comes after it in the dump: as a replica's it does not fire.
  as=$(psql -d template1 -c "SELECT '-c session_replication_role=replica' FROM pg_roles
    WHERE rolname = current_user AND rolsuper" < /dev/null)
  dumped | inside env PGOPTIONS="$as" "${reader[@]}" -U "$user" -d "$new" > /dev/null ||
    fail "the dump could not be restored"
  psql -d "$new" <<< "$count_sql" || fail "the restored rows could not be counted"
  for query; do
    answer=$(psql -d "$new" -c "$query" < /dev/null | head -n 1) || fail "a query failed: $query"
    printf 'answer %s\n' "$answer"
  done
  psql -d "$new" <<< 'ANALYZE;' || fail "the restored database could not be analyzed"
  psql -d template1 < <(given "$finish_sql") > /dev/null || fail "the database's own settings could not be put back"
}
