# Leaves nothing of a backup that failed but its record, which is on stdin. Another one of that name is not ours
# to touch.
#: folder the backup's, had it been made
#: bytes  of the record
#: id     the backup's
source lib/files.bash
source lib/backups.bash

umask 077
! written "$folder.part" "$id" || discard "$folder.part"
mkdir -- "$folder" || exit
whole "$folder/manifest.json" "$bytes" || {
  rm -rf -- "$folder"
  exit 1
}
