# Removes the unfinished backups that a killed run left.
#: folder the backups'
source lib/backups.bash

[ -d "$folder" ] || exit 0
# A script that lost its connection may write for a moment yet.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  left=''
  for part in "$folder"/*.part; do ! ours "$part" || discard "$part" || left=1; done
  [ -n "$left" ] || exit 0
  sleep 0.5
done
exit 1
