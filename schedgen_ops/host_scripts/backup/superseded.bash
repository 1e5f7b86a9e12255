# What restores put aside: `database NAME BYTES`, `objects NAME KIB`, and `unmarked NAME` of what only looks so.
#: stem how the names of those databases begin
source lib/data_location.bash
embed backup/superseded.sql

[ -z "$db" ] || psql -d template1 -v stem="$stem" <<< "$superseded_sql" || exit
[ -z "$store" ] || helper look < /dev/null
