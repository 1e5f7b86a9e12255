# Tells the room on the file systems of some folders, those that do not exist yet by their nearest parent: a line
# each, of the folder, free blocks of 1 KiB, free inodes and all inodes (0 where the file system counts none).
#: docker[]  the engine's words
#: folders[] where we write
root=$("${docker[@]}" info --format '{{.DockerRootDir}}' 2> /dev/null)
# Docker's folder is closed to this user; its file system's root is not.
[ -z "$root" ] || folders+=("$root")
for folder in "${folders[@]}"; do
  at=$folder
  until [ -e "$at" ] || [ "$at" = / ]; do at=$(dirname -- "$at"); done
  free=$(df -Pk -- "$at" | awk 'NR == 2 { print $4 }')
  # shellcheck disable=SC2046 # two numbers
  set -- $(df -Pi -- "$at" | awk 'NR == 2 { print $4, $2 }')
  printf '%s\t%s\t%s\t%s\n' "$folder" "$free" "${1/-/0}" "${2/-/0}"
done
