# Writes a part of a file, which is on stdin, behind its first bytes; says how many it has then. One that was sent again
# because its answer was lost is there already.
#: path   the file
#: offset how many bytes come before
#: size   how many these are
source lib/files.bash

umask 077
[ "$offset" -gt 0 ] || { mkdir -p -- "${path%/*}" && : > "$path"; } || exit
arrived "$path.part" "$size" || exit
has=$(wc -c < "$path") || exit
if [ "$has" -ne "$((offset + size))" ]; then
  [ "$has" -ge "$offset" ] && truncate -s "$offset" -- "$path" && cat -- "$path.part" >> "$path" || exit
fi
rm -f -- "$path.part"
wc -c < "$path"
