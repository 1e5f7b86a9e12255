# What containers wrote into their logs. `docker` has the engine's words, an array.
embed lib/group.awk

# group: lines of a log on stdin that speak of trouble, those alike as one. The level is judged elsewhere.
# Most logs have none, and then no more is started.
group() {
  grep -aiE 'err|warn|fatal|panic|exception|crit|traceback|severe|emerg|alert' | {
    local first
    IFS= read -r first || [ -n "$first" ] || return 0
    { printf '%s\n' "$first" && exec cat; } | cut -c 1-500 | tr '\t\r' '  ' | awk "$group_awk"
  }
}
# logged SERVICE CONTAINER OPTIONS...: what it wrote, in groups; `unread` with the logging driver's name where
# the engine cannot tell: its refusal is no line of the service, and no silence either. One that is gone
# meanwhile has no log to miss.
logged() {
  local name=$1 id=$2 said line driver
  shift 2
  if said=$(
    "${docker[@]}" logs "$@" "$id" 2>&1 | group
    exit "${PIPESTATUS[0]}"
  ); then
    [ -n "$said" ] || return 0
    while IFS= read -r line; do printf 'log\t%s\t%s\n' "$name" "$line"; done <<< "$said"
    return 0
  fi
  driver=$("${docker[@]}" inspect --format '{{.HostConfig.LogConfig.Type}}' "$id" 2>&1) ||
    case $driver in *"No such"*) return 0 ;; *) driver='' ;; esac
  printf 'unread\t%s\t%s\n' "$name" "${driver##*$'\n'}"
}
