# SQLite, the engine that tests/unit/test_database_contract.py adds; lib/database.bash says what each function does.
# A database NAME is the file NAME.db in its container, and NAME.mark says whose it is.
source lib/reason.bash

inside() { "${docker[@]}" exec -i "$db" "$@"; }
lite() { inside lite "$@" < /dev/null; }

db_complete() { [ "$1" = plain ] && tail -n 1 | grep -qx 'COMMIT;'; }
db_open() { lite copy "$name" .seen; }
db_dump() { [ "$1" = plain ] && lite dump .seen; }
db_facts() { lite facts .seen; }
db_close() { inside rm -f .seen.db < /dev/null; }
db_read_told() { IFS= read -r properties; }
db_make() { lite make "$new" "$properties" "$mark"; }
db_load() { [ "$1" = plain ] && inside lite load "$new"; }
db_count() { lite count "$1"; }
db_query() { lite query "$1" "$2"; }
db_finish() { db_query "$new" 'PRAGMA optimize'; }
db_throwaway() {
  db=$("${docker[@]}" create --network none --label "schedgen.drill=$1" "$image") &&
    "${docker[@]}" start "$db" > /dev/null
}
db_await() { :; }
db_ours() { lite superseded "$name" "$1" | sed -n 's/^database \(.*\) [0-9]*$/\1/p'; }
db_there() { lite there "$1"; }
db_drop() { inside rm -f -- "$1.db" "$1.mark" < /dev/null; }
db_superseded() { lite superseded "$name" "$1"; }
db_rename() { lite rename "$1" "$2" "$3" "$mark"; }
db_server() { lite server; }
db_end_followers() { :; }
