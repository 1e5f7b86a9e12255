# Removes what restores made beside what serves and whose run was cut off before it took that place. Prints
# `removed NAME` of each; what has no mark of ours stays.
#: stem how the names of those databases begin
source lib/data_location.bash

if [ -n "$db" ]; then
  found=$(db_superseded "$stem") || fail "the database server does not answer"
  while read -r what each _; do
    [ "$what" = database ] || continue
    db_drop "$each" || fail "the database $each could not be dropped"
    echo "removed $each"
  done <<< "$found"
fi
[ -z "$store" ] || objects_unfinished || fail "objects that were restored could not be removed"
