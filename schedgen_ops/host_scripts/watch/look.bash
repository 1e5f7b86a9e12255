# How the watchdog looks at a release: a line a sample. Its values are those of `watch/watchdog.bash`.
# shellcheck disable=SC2034 # `line` is read there

# The greatest answer that is read, in bytes.
most=16777216
now() {
  local up
  read -r up _ < /proc/uptime
  printf '%s' "$up"
}
# A function of lib/proxy.bash without the lock's descriptor: what it starts must not hold the lock. An ingress that
# does not answer may have been made anew, under another id.
consult() {
  [ -n "$ingress" ] && "$@" 9>&- && return
  ingress=$(ids_of schedgen-ingress | head -n 1)
  return 1
}
# Every container that is watched, old ones too.
observe() { container_states "${fresh[@]}" "${old[@]}" | of_release > "$dir/containers"; }
# Those of a Swarm have no label of a release.
of_release() {
  if [ "$swarm" = yes ]; then
    awk -F '\t' -v OFS='\t' -v release="$release" '{ $4 = release; print }'
  else
    cat
  fi
}
# The addresses of the new containers, or with 1 of the old ones; on a Swarm * for all that the ingress leads to, or with a
# canary for all but that.
ips() {
  if [ "$canary" = yes ]; then
    if [ "$1" = 1 ]; then printf '*'; else printf '%s' "$proxy_at"; fi
    return
  fi
  if [ "$swarm" = yes ]; then
    [ "$1" = 1 ] || printf '*'
    return
  fi
  awk -F '\t' -v release="$release" -v old="$1" '
    ($4 "" == release) != old { gsub(/[,-]/, " ", $10); printf "%s ", $10 }' "$dir/containers"
}
ask_ingress() {
  [ "${#proxies[@]}" -gt 0 ] || return 0
  [ "$canary" != yes ] || consult proxy_guests "${proxies[@]}" || return
  consult proxy_traffic "$(ips 0)" "$(ips 1)" "${proxies[@]}"
}
# $1 a line of `targets`: PATIENCE PROXY STATUS URL. The new containers behind a proxy are asked themselves too, as
# visitors of the same host.
urls_of() {
  local proxy url rest host
  read -r _ proxy _ url <<< "$1"
  printf '%s\n' "$url"
  [ "$proxy" != - ] || return
  rest=${url#*://}
  host=${rest%%[/#]*} rest=${rest#"${rest%%[/#]*}"}
  [[ $rest == *'#host='* ]] || rest+="#host=$host"
  awk -v proxy="$proxy" -v path="$rest" '$1 == "a" && $2 == proxy { print "http://" $3 path }' "$dir/now"
}
checks() {
  local target url patience status
  for target in "${targets[@]}"; do
    read -r patience _ status _ <<< "$target"
    while IFS= read -r url; do check "$url" "$patience" "$status" & done < <(urls_of "$target")
  done
  wait
}
# Whether the ingress sees a canary on each of its routes that is well: no host reaches the containers themselves. Where it
# does not answer, or has found none since it started, that is not known.
seen_well() {
  local route
  [ "$canary" = yes ] && [ -n "$proxy_at" ] || return 0
  for route in "${proxies[@]}"; do
    consult proxy_seen_up "$route" "$proxy_at" 1 || [ -z "$ingress" ] || echo "bad the ingress sees no container of the canary on ${route##*_} that is well"
  done
}
metrics() {
  [ -n "$metrics" ] || return 0
  local whose server url path
  read -r _ proxy _ url <<< "$metrics"
  path=${url#*://}
  path=${path#"${path%%/*}"}
  if [ "$proxy" = - ]; then
    count_of n url "$url"
    return
  fi
  while read -r whose server; do
    count_of "$whose" "$server" "http://$server$path"
  done < <(awk -v proxy="$proxy" '$1 == "h" && index($3, proxy "/") == 1 {
    server = $3; sub(/^.*@/, "", server); print $2, server }' "$dir/now")
}
count_of() { body "$3" 5 "$most" | awk -v side="$1" -v key="$2" -v paths="$paths" -v requests="$requests" \
  -v latency="$latency" "$counters_awk"; }
prometheus() {
  local value
  [ -n "$prometheus" ] || {
    printf '%s' -
    return
  }
  value=$(body "$prometheus" 5 "$most" | grep -o '"value":\[[^]]*\]' | head -n 1 | sed 's/.*,"\(.*\)"\]/\1/')
  case $value in '' | *[!0-9.eE+-]*) value=- ;; esac
  printf '%s' "$value"
}
# What the new containers use, in bytes, "-" where that of one is not known. Their cgroups tell; where one has none
# in a usual place, the engine does, all the time.
memory() {
  local id used whole=0
  if [ -e "$dir/stats" ]; then
    # Docker moves the cursor before each of its lists.
    tail -c 4000 "$dir/stats" | sed '1d; s/\x1b\[[0-9;]*[A-Za-z]//g' |
      awk -v wanted="${#fresh[@]}" "$memory_awk"
    return
  fi
  for id in "${fresh[@]}"; do
    IFS=$'\t' read -r _ _ used _ < <(usage "$id") || {
      printf '%s' -
      return
    }
    whole=$((whole + used))
  done
  printf '%s' "$whole"
}
# Whether each of them has a cgroup that tells.
measured() {
  local id
  for id in "${fresh[@]}"; do usage "$id" > /dev/null || return; done
}
# The lines of a log that speak of an error, as they come. What the engine says of a log that it cannot read
# on is none of them: from then on the lines are unknown.
follow() {
  "${docker[@]}" logs --follow --tail 0 "$1" 2>&1 |
    grep --line-buffered -iE '\b(error|fatal|exception|panic)\b' |
    grep --line-buffered -vE '^(Error response from|error from|Error grabbing logs|error during connect)' \
      >> "$dir/logs"
  [ "${PIPESTATUS[0]}" -eq 0 ] || : > "$dir/unread"
} 2> /dev/null
# One sample, in `line`; what failed is in `why`. Until the release serves nothing restarts what ended of it,
# hence that counts as a restart too.
sample() {
  local at failed=- state restarts=- lines=- cells
  count=$((count + 1))
  observe
  mv -f "$dir/now" "$dir/before" 2> /dev/null || : > "$dir/before"
  ask_ingress > "$dir/now"
  (checks) > "$dir/checks" 9>&-
  seen_well >> "$dir/checks"
  metrics >> "$dir/now"
  grep '^b ' "$dir/now" > "$dir/past.$count"
  past=$((count > window ? count - window : 0))
  cells=$({
    sed 's/^/q /' "$dir/past.$past"
    sed 's/^/p /' "$dir/before"
    sed 's/^/c /' "$dir/now"
  } |
    awk -v least="$least" -v base="$base" -v percent="$(prometheus)" "$deltas_awk")
  grep -q . "$dir/checks" && failed=0
  why=$(sed -n 's/^bad //p' "$dir/checks" | head -n 3 | tr '\n' ';')
  state=$(awk -v release="$release" -v earlier="$earlier" -v wanted="${#fresh[@]}" \
    "$states_awk" "$dir/containers")
  restarts=${state%% *}
  state=${state#"$restarts"}
  state=${state# }
  if [ -s "$dir/containers" ]; then
    [ -z "$state" ] || why="$state$why"
    [ "$failed" != - ] || failed=0
  else restarts=-; fi
  [ -z "$why" ] || failed=1
  if [ -e "$dir/logs" ]; then
    lines=$(wc -l < "$dir/logs")
    lines=$((lines - logged))
    logged=$((logged + lines))
    [ "$lines" -gt 0 ] || [ ! -e "$dir/unread" ] || lines=-
  fi
  at=$(awk -v a="$(now)" -v b="$began" 'BEGIN { printf "%.2f", a - b }')
  [ -n "$cells" ] || cells='- - - - - - - - - - -'
  # shellcheck disable=SC2004 # an associative array
  while read -r proxy rest; do
    [ "${#proxies[@]}" -lt 2 ] || [ -z "$proxy" ] ||
      parts[$proxy]+="${parts[$proxy]:+$'\n'}$at - $rest - - - - - - - - - -"
  done <<< "$(tail -n +2 <<< "$cells")"
  cells=${cells%%$'\n'*}
  line="$at $failed $cells $restarts $(memory) $lines"
}
