# What restores put aside: `database NAME BYTES`, `objects NAME KIB`, and `unmarked NAME` of what only looks so.
#: stem how the names of those databases begin
source lib/data_location.bash

[ -z "$db" ] || db_superseded "$stem" || exit
[ -z "$store" ] || objects_superseded
