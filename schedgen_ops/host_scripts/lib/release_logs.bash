# What all containers of a project logged. `state` is our folder of state, `filter` the project's label.
source lib/logs.bash

# collect SINCE: what every container of the project logged. Fails where the engine does not say which there are.
collect() {
  local rows id name
  rows=$("${docker[@]}" ps --all --no-trunc --filter "$filter" --filter label=com.docker.compose.oneoff=False \
    --format '{{.ID}}'$'\t''{{.Label "com.docker.compose.service"}}') || return
  while IFS=$'\t' read -r id name; do
    [ -z "$id" ] || logged "$name" "$id" --since "$1" --tail 50000 &
  done <<< "$rows"
  wait
}
# begun RELEASE: when it was begun, by the host's clock: its first file's time.
begun() {
  local file
  for file in "$state/releases/$1"/*; do [ ! -f "$file" ] || stat -c %Y "$file"; done | sort -n | head -n 1
}
