# Writes and checks a backup beside its folder, and leaves nothing if that fails. The manifest to begin with is
# on stdin. Prints `progress PART BYTES`, `written PART`, `file NAME BYTES SHA256`, `objects COUNT BYTES` and
# `fact ...`, what the database says of itself. Ends with 3 where there is nothing to back up.
#: folder      the backup's, to be
#: compression auto, gzip or zstd
#: format      of the dump: plain or custom
#: env         the file of variables, or ""
#: compose     the compose file, or ""
#: table       the one that lists the applied migrations, or ""
#: session     a shell command: psql, reading stdin; "" without a database
#: dump        a shell command that writes the dump of the snapshot named on stdin, or ""
#: archive     a shell command that writes the objects as a tar, or ""
source lib/reason.bash
source lib/backup_files.bash
source lib/psql_variables.bash
embed backup/snapshot.sql
embed backup/facts.sql

part=$folder.part
umask 077
[ -e "$env" ] || [ -n "$compose$dump$archive" ] || {
  say "there is nothing to back up: neither a file ${env:-.env} nor a release"
  exit 3
}
{ mkdir -p -- "${part%/*}" && mkdir -- "$part"; } || {
  say "${part%/*} cannot be written"
  exit 1
}
top=$$ project=$PWD here=$(cd -- "$part" && pwd) || exit
database='' objects=''
# Each job in a group of its own, so that all it started can be ended.
set -m
end_jobs() { for job in $(jobs -p); do kill -- "-$job"; done 2> /dev/null; }
give_up() {
  trap '' TERM INT HUP PIPE USR1
  end_jobs
  rm -rf -- "$here"
  exit 1
}
# What fails in a job ends the whole backup.
abandon() {
  say "$1"
  kill -USR1 "$top"
  exit 1
}
trap give_up TERM INT HUP USR1
trap 'say "the database does not answer"; give_up' PIPE
# Whether gzip would save a fifth of the objects, by their first 4 MiB: on what is compressed already it costs time.
shrinks() {
  bash -o pipefail -c "$archive" 2> /dev/null < /dev/null | head -c 4194304 > sample
  local all packed
  all=$(wc -c < sample) packed=$(gzip -1 -c sample | wc -c)
  rm -f -- sample
  [ $((packed * 5)) -lt $((all * 4)) ]
}
{ cd -- "$here" && cat > manifest.json; } || abandon "the manifest cannot be written"
# What psql reads stays gzip, whatever is chosen for us.
case $compression in
  auto)
    db=gzip ob=none
    if command -v zstd > /dev/null; then ob=zstd; elif [ -n "$archive" ] && shrinks; then ob=gzip; fi
    ;;
  *)
    db=$compression ob=$compression
    command -v "$compression" > /dev/null || abandon "$compression is not installed"
    ;;
esac
ending() { case $1 in zstd) echo .zst ;; gzip) echo .gz ;; esac }
if [ "$format" = custom ]; then db_file=database.dump$(ending "$db"); else db_file=database.sql$(ending "$db"); fi
ob_file=objects.tar$(ending "$ob")

describe() {
  local sum
  { sum=$(digest < "$1") && echo "file $1 $(wc -c < "$1") ${sum%% *}"; } || abandon "no checksum of $1"
}
# packed HOW COMMAND: what the shell command writes, as it is packed.
packed() {
  if [ "$1" = none ]; then bash -o pipefail -c "$2"; else bash -o pipefail -c "$2" | packer "$1"; fi
}
# Everybody waits for the dump: it is looked at while it is written, and what the disk has is only compared.
database() {
  local ways line sum
  mkfifo pass || abandon "$part cannot be written"
  digest < pass > passed &
  sum=$!
  packed "$db" "$dump" <<< "$snapshot" |
    tee --output-error=exit -- "$db_file" pass | complete "$db_file" /dev/stdin
  ways=${PIPESTATUS[*]}
  wait "$sum"
  case $ways in
    '0 0 0') echo "written database" ;;
    '0 0 '*) abandon "the database's dump is not complete" ;;
    *) abandon "the database's dump failed" ;;
  esac
  line=$(describe "$db_file") || exit
  sum=$(cat passed)
  [ "${line##* }" = "${sum%% *}" ] || abandon "$db_file is not on the disk as it was written"
  rm -f -- pass passed
  echo "$line"
}
# Nobody waits for the objects, and they are the most: they are read once they are there, which copies less.
objects() {
  local check
  packed "$ob" "$archive" > "$ob_file" || abandon "the objects' archive failed"
  echo "written objects"
  archived "$ob_file" &
  check=$!
  describe "$ob_file"
  wait "$check" || abandon "the objects' archive cannot be read"
}
config() {
  { cp -- "$1" "$2" && chmod 600 -- "$2"; } || abandon "$1 cannot be copied"
  describe "$2"
}
report() {
  # Where nobody listens any more the connection is gone, and the backup is nobody's.
  trap '' PIPE
  local name size
  while sleep 1; do
    for name in database objects; do
      size=$(stat -c %s -- "$name".* 2> /dev/null) || continue
      echo "progress $name $size" 2> /dev/null || {
        kill -TERM "$top"
        exit
      }
    done
  done
}

if [ -n "$dump" ]; then
  mkfifo to from || abandon "$part cannot be written"
  bash -o pipefail -c "$session" < to > from &
  exec 8> to 7< from
  rm -f -- to from
  printf '%s\n' "$snapshot_sql" >&8
  IFS= read -r -t 90 line <&7 && [ "${line#snapshot }" != "$line" ] || abandon "the database gave no snapshot"
  snapshot=${line#snapshot }
  {
    variable table "$table"
    printf '%s\n' "$facts_sql"
  } >&8
  database 7<&- 8>&- &
  database=$!
fi
[ -z "$archive" ] || {
  objects 7<&- 8>&- &
  objects=$!
}
report 7<&- 8>&- &
reporter=$!
set +m
case $env in '' | /*) ;; *) env=$project/$env ;; esac
[ ! -e "$env" ] || (config "$env" config.env) || exit
[ -z "$compose" ] || (config "$compose" config.compose.yaml) || exit
[ -z "$database" ] || wait "$database" || give_up
if [ -n "$dump" ]; then
  while IFS= read -r line <&7; do
    echo "fact $line"
    [ "$line" != counted ] || break
  done
  [ "$line" = counted ] || abandon "the database's rows could not be counted"
  printf 'COMMIT;\n\\q\n' >&8
  exec 7<&- 8>&-
fi
[ -z "$objects" ] || wait "$objects" || give_up
kill -- "-$reporter"
sync -f . 2> /dev/null || sync
