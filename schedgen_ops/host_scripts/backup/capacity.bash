# The room for a backup: `free BYTES` where it will lie, and `database BYTES` and `objects BYTES` of what there
# is. What does not answer, or not in time, is left out: the backup itself will say why.
#: docker[]  the engine's words
#: folder    the backups'; it need not be there yet
#: query     a shell command that tells the database's bytes, or ""
#: container the objects', or ""
#: path      where the objects are in it
#: patience  seconds that their count may take

until [ -e "$folder" ]; do folder=$(dirname -- "$folder"); done
echo "free $(($(df -Pk -- "$folder" | awk 'NR == 2 { print $4 }') * 1024))"
[ -z "$query" ] || { found=$(bash -c "$query" < /dev/null 2> /dev/null) && echo "database $found"; }
[ -z "$container" ] || {
  found=$(timeout "$patience" "${docker[@]}" exec "$container" du -sk "$path" 2> /dev/null) &&
    echo "objects $((${found%%[!0-9]*} * 1024))"
}
true
