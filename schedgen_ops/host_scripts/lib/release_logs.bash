# What the listed containers (lib/listed.bash) of a project logged. `state` is our folder of state.
source lib/logs.bash

# collect SINCE: what every one of them logged, but those that `run` made.
collect() {
  local id name run
  is_listed || return
  while IFS=$'\x1f' read -r id _ name run _; do
    [ -z "$id" ] || [ "$run" = True ] || logged "$name" "$id" --since "$1" --tail 50000 &
  done <<< "$listed"
  wait
}
# begun RELEASE: when it was begun, by the host's clock: its first file's time.
begun() {
  local file
  for file in "$state/releases/$1"/*; do [ ! -f "$file" ] || stat -c %Y "$file"; done | sort -n | head -n 1
}
# logs_since STATE WINDOW: what came into the logs since the deploy, and the patterns that earlier releases
# logged. Where nothing was deployed, it looks back so many seconds.
logs_since() {
  local state=$1 current='' since='' now file line
  [ ! -r "$state/current" ] || read -r current < "$state/current"
  [ -z "$current" ] || since=$(begun "$current")
  printf -v now '%(%s)T' -1
  [ -n "$since" ] || since=$((now - $2))
  printf 'since\t%s\t%s\n' "$since" "$((now - since))"
  for file in "$state"/releases/*/log-patterns; do
    [ -r "$file" ] && [ "$file" != "$state/releases/$current/log-patterns" ] || continue
    echo earlier
    while IFS= read -r line; do printf 'known\t%s\n' "$line"; done < "$file"
  done
  collect "$since"
}
