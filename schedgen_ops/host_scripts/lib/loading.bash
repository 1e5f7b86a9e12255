# A database made as a backup says, and its dump loaded, for a drill and a restore. Whoever sources this has what
# lib/database.bash needs; `dump` is the file's name.
source lib/reason.bash
source lib/backup_files.bash
source lib/database.bash

# read_told: what the backup says of its database comes on stdin, since it may hold secrets.
read_told() { db_read_told || fail "what the backup says of its database did not come"; }

# free_bytes: of the disk where Docker keeps its data.
free_bytes() {
  local root free
  root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2> /dev/null)
  free=$({ df -Pk -- "$root" 2> /dev/null || df -Pk .; } | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  echo $((free * 1024))
}

# promptly COMMAND...: it, as a job in a group of its own. A trap waits for what runs in front, and for no job.
working=''
promptly() {
  local code
  set -m
  "$@" &
  working=$!
  set +m
  wait "$working"
  code=$?
  working=''
  return "$code"
}

# end_work: ends such a job, for a trap.
end_work() {
  [ -z "$working" ] || {
    kill -- "-$working"
    wait "$working"
  }
} > /dev/null 2>&1

# load QUERY...: tells the rows that came out, and what the queries answer.
load() {
  local query answer
  db_make || fail "no database could be made as the backup says"
  unpack "$dump" | db_load "$(format_of "$dump")" || fail "the dump could not be restored"
  db_count "$new" || fail "the restored rows could not be counted"
  for query; do
    answer=$(db_query "$new" "$query" | head -n 1) || fail "a query failed: $query"
    printf 'answer %s\n' "$answer"
  done
  db_finish || fail "the restored database could not be made ready"
}
