# Writes and checks a backup beside its folder, and leaves nothing if that fails. The manifest to begin with is
# on stdin. Prints `progress PART BYTES`, `written PART`, `file NAME BYTES SHA256`, `objects COUNT BYTES` and
# `fact ...`, what the database says of itself. Ends with 3 where there is nothing to back up.
#: folder      the backup's, to be
#: compression auto, gzip or zstd
#: format      of the dump: plain or custom
#: env         the file of variables, or ""
#: compose     the compose file, or ""
#: table       the one that lists the applied migrations, or ""
source lib/data_location.bash
source lib/backup_files.bash

part=$folder.part
umask 077
[ -e "$env" ] || [ -n "$compose$db$store" ] || {
  say "there is nothing to back up: neither a file ${env:-.env} nor a release"
  exit 3
}
{ mkdir -p -- "${part%/*}" && mkdir -- "$part"; } || {
  say "${part%/*} cannot be written"
  exit 1
}
top=$$ project=$PWD here=$(cd -- "$part" && pwd) || exit
dumping='' archiving=''
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
  objects_archive 2> /dev/null < /dev/null | head -c 4194304 > sample
  local all packed
  all=$(wc -c < sample) packed=$(gzip -1 -c sample | wc -c)
  rm -f -- sample
  [ $((packed * 5)) -lt $((all * 4)) ]
}
{ cd -- "$here" && cat > manifest.json; } || abandon "the manifest cannot be written"
# What an operator may have to read by hand stays gzip, whatever is chosen for us.
case $compression in
  auto)
    pack_dump=gzip pack_objects=none
    if command -v zstd > /dev/null; then
      pack_objects=zstd
    elif [ -n "$store" ] && shrinks; then pack_objects=gzip; fi
    ;;
  *)
    pack_dump=$compression pack_objects=$compression
    command -v "$compression" > /dev/null || abandon "$compression is not installed"
    ;;
esac
ending() { case $1 in zstd) echo .zst ;; gzip) echo .gz ;; esac }
dump=database.sql$(ending "$pack_dump") archive=objects.tar$(ending "$pack_objects")
[ "$format" = plain ] || dump=database.dump$(ending "$pack_dump")

describe() {
  local sum
  { sum=$(digest < "$1") && echo "file $1 $(wc -c < "$1") ${sum%% *}"; } || abandon "no checksum of $1"
}
# packed HOW COMMAND...: what the command writes, as it is packed.
packed() { if [ "$1" = none ]; then "${@:2}"; else "${@:2}" | packer "$1"; fi; }
# Everybody waits for the dump: it is looked at while it is written, and what the disk has is only compared.
database() {
  local ways line sum
  mkfifo pass || abandon "$part cannot be written"
  digest < pass > passed &
  sum=$!
  packed "$pack_dump" db_dump "$format" < /dev/null | tee --output-error=exit -- "$dump" pass |
    unpack "$dump" /dev/stdin | db_complete "$format"
  ways=${PIPESTATUS[*]}
  wait "$sum"
  case $ways in
    '0 0 0 0') echo "written database" ;;
    '0 0 '*) abandon "the database's dump is not complete" ;;
    *) abandon "the database's dump failed" ;;
  esac
  line=$(describe "$dump") || exit
  sum=$(cat passed)
  [ "${line##* }" = "${sum%% *}" ] || abandon "$dump is not on the disk as it was written"
  rm -f -- pass passed
  echo "$line"
}
# Nobody waits for the objects, and they are the most: they are read once they are there, which copies less.
objects() {
  local check
  packed "$pack_objects" objects_archive > "$archive" < /dev/null || abandon "the objects' archive failed"
  echo "written objects"
  archived "$archive" &
  check=$!
  describe "$archive"
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

if [ -n "$db" ]; then
  db_open "$table" || abandon "the database gave no snapshot"
  database 7<&- 8>&- &
  dumping=$!
fi
[ -z "$store" ] || {
  objects 7<&- 8>&- &
  archiving=$!
}
report 7<&- 8>&- &
reporter=$!
set +m
case $env in '' | /*) ;; *) env=$project/$env ;; esac
[ ! -e "$env" ] || (config "$env" config.env) || exit
[ -z "$compose" ] || (config "$compose" config.compose.yaml) || exit
[ -z "$dumping" ] || wait "$dumping" || give_up
if [ -n "$db" ]; then
  # bash answers a signal while it waits, and not before a command in front of it ends.
  set -m
  db_facts | sed 's/^/fact /' &
  set +m
  wait "$!" || abandon "the database's rows could not be counted"
  db_close
fi
[ -z "$archiving" ] || wait "$archiving" || give_up
kill -- "-$reporter"
{ sync -f . 2> /dev/null || sync; } &
wait "$!"
