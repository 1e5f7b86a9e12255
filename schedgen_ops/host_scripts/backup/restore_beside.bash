# Restores a backup beside what serves and tells what is in it; `end` at its end. Leaves nothing if that fails.
# What the backup says of its database is on stdin.
#: folder    the backup's
#: dump      the file of its database, or ""
#: archive   the file of its objects, or ""
#: need      bytes of disk that must be free
#: reader[]  the program that reads the dump, with its options
#: queries[] each must answer well
source lib/data_location.bash
source lib/loading.bash

read_backup
cd -- "$folder" || fail "the folder is gone"
free=$(free_bytes)
[ "$free" -ge "$need" ] || fail "a restore needs $need bytes of disk, and $free are free"
unpacking='' made=''
undo() {
  [ -z "$unpacking" ] || {
    kill -- "-$unpacking"
    wait "$unpacking"
  }
  [ -z "$made" ] || drop "$new"
  [ -z "$store" ] || helper undo < /dev/null
} > /dev/null 2>&1
trap 'code=$?; trap "" TERM INT HUP PIPE; [ "$code" -eq 0 ] || undo; exit "$code"' EXIT
trap 'exit 130' TERM INT HUP PIPE

objects() {
  helper begin < /dev/null >&2 || fail "no folder beside the objects"
  unpack "$archive" | "${docker[@]}" cp - "$store:$path/.schedgen-new-$stamp/data" >&2 ||
    fail "the objects could not be unpacked"
  "${docker[@]}" cp "$store:$path/.schedgen-new-$stamp/data/." - | LC_ALL=C tar -tf - |
    sed '/\/$/d' | wc -l > "$seen" || fail "the unpacked objects could not be read again"
}
if [ -n "$store" ]; then
  seen=$(mktemp) || fail "no file can be made in ${TMPDIR:-/tmp}"
  set -m
  objects &
  unpacking=$!
  set +m
fi
if [ -n "$db" ]; then
  left=$(our_databases "${new%"$stamp"}") || fail "the database server does not answer"
  for each in $left; do drop "$each" || fail "$each, which an earlier restore left, cannot be dropped"; done
  { there=$(psql -d template1 <<< "SELECT count(*) FROM pg_database WHERE datname = :'new'") &&
    [ "$there" = 0 ]; } || fail "there is a database $new, which no restore made"
  made=1
  load "${queries[@]}"
fi
if [ -n "$store" ]; then
  wait "$unpacking" || exit 1
  echo "objects $(cat "$seen") 0"
  rm -f -- "$seen"
fi
echo end
