# Tells the containers of a project that another folder's compose file made: name and folder, a line each.
#: docker[]  the engine's words
#: filter    the label of the project's containers
#: format    of a container's name, folder and files, with 0x1f between
#: directory the project's
#: ours[]    its compose files, where they are not those that Compose looks for

# One folder has several names: links, a slash at the end, a mount. -ef compares what is there.
is_ours() {
  local path=${1%/} file
  [ "${path%/.schedgen/releases/*}" -ef "$directory" ] && return
  for file in "${ours[@]}"; do
    { [ "$directory/$file" -ef "$path" ] || [ "$file" -ef "$path" ]; } && return
  done
  return 1
}
boxes=$("${docker[@]}" ps --all --filter "$filter" --format "$format") || exit
while IFS=$'\x1f' read -r name folder files; do
  [ -n "$folder$files" ] || continue
  [ -z "$folder" ] || ! is_ours "$folder" || continue
  IFS=, read -ra paths <<< "$files"
  mine=''
  for path in "${paths[@]}"; do { is_ours "$path" || is_ours "${path%/*}"; } && mine=yes; done
  [ -n "$mine" ] || printf '%s\x1f%s\n' "$name" "${folder:-$files}"
done < <(printf "%s\n" "$boxes")
exit 0
