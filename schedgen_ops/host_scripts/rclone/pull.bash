# Copies a backup but for its manifest from the remote to where one is that is not finished, and reads what arrived:
# `checking`, then lines `size BYTES NAME` and `sha256 DIGEST NAME`. What is there already is not copied again.
#: id    the backup's
#: bytes that it takes
#: again "yes" to copy what seems to be there already too
access=rw
source lib/rclone.bash
source lib/backup_files.bash

umask 077
mkdir -p -- "$folder/$id.part" || exit
free=$(($(df -Pk -- "$folder" | awk 'NR == 2 { print $4 }') * 1024))
had=$(($(du -sk -- "$folder/$id.part" | cut -f 1) * 1024))
[ "$((free + had))" -gt "$bytes" ] || {
  echo "no room for it on this host: $free bytes are free, and $((bytes > had ? bytes - had : 0)) are to come" >&2
  exit 1
}
mode=()
[ -z "$again" ] || mode=(--ignore-times)
run copy "${flags[@]}" "${telling[@]}" "${mode[@]}" --exclude manifest.json "$to/$id" "$from/$id.part" || exit
chmod -R go= -- "$folder/$id.part" && cd -- "$folder/$id.part" || exit
echo checking
for each in *; do
  printf 'size %s %s\n' "$(wc -c < "$each")" "$each"
  sum=$(digest < "$each")
  printf 'sha256 %s  %s\n' "${sum%% *}" "$each"
done
