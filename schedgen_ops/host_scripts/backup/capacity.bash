# The room for a backup: `free BYTES` where it will lie, and `database BYTES` and `objects BYTES` of what there
# is. What does not answer, or not in time, is left out: the backup itself will say why.
#: folder   the backups'; it need not be there yet
#: database a shell command that tells the database's bytes, or ""
#: objects  a shell command that tells those of the objects, or ""
#: patience seconds that their count may take

until [ -e "$folder" ]; do folder=$(dirname -- "$folder"); done
echo "free $(($(df -Pk -- "$folder" | awk 'NR == 2 { print $4 }') * 1024))"
[ -z "$database" ] || { found=$(bash -c "$database" < /dev/null 2> /dev/null) && echo "database $found"; }
[ -z "$objects" ] || {
  found=$(timeout "$patience" bash -o pipefail -c "$objects" < /dev/null 2> /dev/null) && echo "objects $found"
}
true
