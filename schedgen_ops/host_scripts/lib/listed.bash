# The containers of a project, listed once for all that ask about them at the same time.
source lib/docker.bash

# list_containers PROJECT WORD...: lists them, by these words of the engine, a line each with 0x1f between its
# fields: id, name, service, whether `run` made it, folder, compose files.
list_containers() {
  local label=com.docker.compose field format='{{.ID}}'
  docker=("${@:2}")
  format+=$'\x1f{{.Names}}'
  for field in service oneoff project.working_dir project.config_files; do
    format+=$'\x1f'"{{.Label \"$label.$field\"}}"
  done
  listing=("${docker[@]}" ps --all --no-trunc --format "$format" --filter "label=$label.project=$1")
  listed=$("${listing[@]}" 2> /dev/null)
  unlisted=$?
}
# Fails where the engine did not say which there are, with its own words.
is_listed() {
  [ "$unlisted" -eq 0 ] || {
    "${listing[@]}" > /dev/null
    return 1
  }
}
# inspect_listed FORMAT: `docker inspect` of all of them.
inspect_listed() {
  local id ids=()
  is_listed || return
  while IFS=$'\x1f' read -r id _; do [ -z "$id" ] || ids+=("$id"); done <<< "$listed"
  [ "${#ids[@]}" -eq 0 ] || present "$1" "${ids[@]}"
}
