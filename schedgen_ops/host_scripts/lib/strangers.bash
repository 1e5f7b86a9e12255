# Which of the listed containers (lib/listed.bash) another folder's compose file made.

# One folder has several names: links, a slash at the end, a mount. -ef compares what is there.
is_ours() {
  local path=${1%/} file
  [ "${path%/.schedgen/releases/*}" -ef "$directory" ] && return
  for file in "${ours[@]}"; do
    { [ "$directory/$file" -ef "$path" ] || [ "$file" -ef "$path" ]; } && return
  done
  return 1
}
# strangers DIRECTORY FILE...: their names and folders, a line each, where the project is in DIRECTORY, with
# these compose files, or none for those that Compose looks for.
strangers() {
  local directory=$1 ours=("${@:2}") name folder files paths path mine
  is_listed || return
  while IFS=$'\x1f' read -r _ name _ _ folder files; do
    [ -n "$folder$files" ] || continue
    [ -z "$folder" ] || ! is_ours "$folder" || continue
    IFS=, read -ra paths <<< "$files"
    mine=''
    for path in "${paths[@]}"; do { is_ours "$path" || is_ours "${path%/*}"; } && mine=yes; done
    [ -n "$mine" ] || printf '%s\x1f%s\n' "$name" "${folder:-$files}"
  done <<< "$listed"
}
