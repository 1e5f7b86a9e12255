# Restores a backup into a throwaway container, and tells the rows, the answers to queries, and the objects; `end`
# at its end. The container has no network. What the backup says of its database is on stdin, and the script's
# words are the queries.
#: docker[]  the engine's words
#: folder    the backup's
#: dump      the file of its database, or ""
#: archive   the file of its objects, or ""
#: need      bytes of disk that must be free
#: whose     marks the container: whose drill it is
#: image     the database's
#: user      who makes and asks it there
#: name      the database
source lib/loading.bash

cd -- "$folder" || exit
# shellcheck disable=SC2034 # the engine reads them
new=$name db='' before='' mark='' scratch=''
read_told
filled() {
  db_await || fail "the throwaway database did not start"
  load "$@"
}

if [ -n "$dump" ]; then
  free=$(free_bytes)
  [ "$free" -ge "$need" ] || fail "a drill needs $need bytes of disk, and $free are free"
  left=$("${docker[@]}" ps -aq --filter "label=schedgen.drill=$whose")
  # shellcheck disable=SC2086 # a list of ids
  [ -z "$left" ] || "${docker[@]}" rm -fv $left > /dev/null
  trap 'rm -f -- "$scratch"; end_work; [ -z "$db" ] || "${docker[@]}" rm -fv "$db" >/dev/null 2>&1' EXIT
  trap 'exit 130' TERM INT HUP PIPE
  scratch=$(
    umask 077
    mktemp
  ) || fail "no file can be made in ${TMPDIR:-/tmp}"
  db_throwaway "$whose" || fail "the throwaway database did not start"
  promptly filled "$@" || exit
fi
[ -z "$archive" ] || promptly archived "$archive" || fail "the objects' archive cannot be read"
echo end
