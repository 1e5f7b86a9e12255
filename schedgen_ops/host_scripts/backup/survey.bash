# `KIB NAME` of each folder that bears a name of ours. A link is none of ours, nor is a part without our manifest:
# it is not even looked at.
#: folder the backups'
source lib/backups.bash

cd -- "$folder" 2> /dev/null || exit 0
for each in *-[0-9]*_[0-9]*/; do
  each=${each%/}
  [ -d "$each" ] && [ ! -L "$each" ] || continue
  case $each in *.part) ours "./$each" || continue ;; esac
  used=$(du -sk -- "./$each") && printf '%s %s\n' "${used%%[!0-9]*}" "$each"
done
