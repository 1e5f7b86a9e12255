# Everything that is wrong with a backup, a line each; its objects are counted where their archive can be read.
#: folder  the backup's
#: names[] its files
#: sizes[] the bytes of each
#: sums[]  the SHA-256 of each
source lib/backup_files.bash
source lib/database.bash

cd -- "$folder" 2> /dev/null || {
  echo "wrong the folder is gone"
  exit 0
}
# one NAME SIZE SUM
one() {
  [ -f "$1" ] || {
    echo "wrong $1 is missing"
    return
  }
  [ "$(wc -c < "$1")" = "$2" ] || echo "wrong $1 has $(wc -c < "$1") bytes instead of $2"
  local sum
  sum=$(digest < "$1")
  [ "${sum%% *}" = "$3" ] || echo "wrong $1 is not what was written: its SHA-256 differs"
  case $1 in
    database.*) unpack "$1" 2> /dev/null | db_complete "$(format_of "$1")" 2> /dev/null || echo "wrong $1 is not a complete dump" ;;
    objects.*) archived "$1" 2> /dev/null || echo "wrong $1 cannot be read to its end" ;;
  esac
}
for number in "${!names[@]}"; do one "${names[number]}" "${sizes[number]}" "${sums[number]}" & done
wait
