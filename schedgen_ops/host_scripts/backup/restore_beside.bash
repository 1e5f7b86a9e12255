# Restores a backup beside what serves and tells what is in it; `end` at its end. Leaves nothing if that fails.
# What the backup says of its database is on stdin, and the script's words are queries that must answer well.
#: folder    the backup's
#: dump      the file of its database, or ""
#: archive   the file of its objects, or ""
#: need      bytes of disk that must be free
source lib/data_location.bash
source lib/loading.bash

read_told
cd -- "$folder" || fail "the folder is gone"
free=$(free_bytes)
[ "$free" -ge "$need" ] || fail "a restore needs $need bytes of disk, and $free are free"
unpacking='' made=''
undo() {
  end_work
  [ -z "$unpacking" ] || {
    kill -- "-$unpacking"
    wait "$unpacking"
  }
  [ -z "$made" ] || db_drop "$new"
  [ -z "$store" ] || objects_undo
} > /dev/null 2>&1
trap 'code=$?; trap "" TERM INT HUP PIPE; [ "$code" -eq 0 ] || undo; exit "$code"' EXIT
trap 'exit 130' TERM INT HUP PIPE

objects() {
  objects_begin >&2 || fail "no folder beside the objects"
  unpack "$archive" | objects_fill >&2 || fail "the objects could not be unpacked"
  objects_filled | LC_ALL=C tar -tf - |
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
  left=$(db_ours "${new%"$stamp"}") || fail "the database server does not answer"
  for each in $left; do db_drop "$each" || fail "$each, which an earlier restore left, cannot be dropped"; done
  [ "$(db_there "$new")" = 0 ] || fail "there is a database $new, which no restore made"
  made=1
  promptly load "$@" || exit
fi
if [ -n "$store" ]; then
  wait "$unpacking" || exit 1
  echo "objects $(cat "$seen") 0"
  rm -f -- "$seen"
fi
echo end
