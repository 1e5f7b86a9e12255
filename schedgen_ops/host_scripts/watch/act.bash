# What the watchdog does once it has decided, and how it shares out requests until then. Its values are those
# of `watch/watchdog.bash`.

log() { printf '%s\n' "$*" >> "$dir/log"; }
mine=$state/releases/$release
# Nothing is left: no process of ours, no file.
leave() {
  trap '' TERM
  rm -rf "$dir"
  kill -TERM -- "-$$" 2> /dev/null
  exit 0
}
# The record beside its place, and in it.
prepare() {
  local text=${1//@finished@/$(date -u +%Y-%m-%dT%H:%M:%SZ)} json
  json "$2"
  (
    umask 077
    printf '%s\n' "${text%@reason@*}$json${text##*@reason@}" > "$mine/.release.json"
  )
}
record() { prepare "$@" && durable "$mine/.release.json" "$mine/release.json"; }
visit() {
  local target url patience status
  for target in "${targets[@]}"; do
    read -r patience _ status url <<< "$target"
    [ "$(check "$url" "$patience" "$status")" = good ] || return 1
  done
}
since() { awk -v a="$(now)" -v b="$1" 'BEGIN { printf "%.2f", a - b }'; }
answering() { within 20 visit && log "answering $(since "$first_bad")"; }
# Runs a command's text in a shell of its own. It is no argument: those have 128 KiB, and a way back more.
# shellcheck disable=SC2016 # that shell's own
apart() { bash -o pipefail -c 'eval "$(cat)" < /dev/null' < <(printf '%s\n' "$1"); }
# Runs commands, those between two "-" at once; what fails is in $dir/failed.
perform() {
  local item told
  for item in "$@" -; do
    if [ "$item" = - ]; then
      [ "${#jobs[@]}" -eq 0 ] || wait "${jobs[@]}"
      jobs=()
      continue
    fi
    {
      last=''
      while IFS= read -r told; do case $told in
        say\ * | gap\ *) log "$told" ;;
        moved) [ -n "$first_bad" ] && [ -z "$moved" ] && answering ;;
        replaced) [ -z "$first_bad" ] || answering ;;
        'exit 0') ;;
        'exit '*) printf '%s\n' "$last" >> "$dir/failed" ;;
        *) [ -z "$told" ] || last=$told ;;
      esac done < <(
        apart "$item" 2>&1
        code=$?
        echo
        echo "exit $code"
      )
    } 9>&- &
    jobs+=($!)
  done
}
# Whether the release does without what it replaced.
does_without() {
  [ "${#cut[@]}" -gt 0 ] || return 0
  perform "${cut[@]}"
  [ ! -e "$dir/failed" ] && within 10 visit
}
keep() {
  local why="it could not be made the release that serves"
  # The record and what is said to serve change in one go.
  if ! does_without; then
    why="its checks do not pass once what it replaced is out of reach"
  elif prepare "${records[0]}" "$1"; then
    perform "${keep[0]}"
  fi
  if [ "$(cat "$state/current")" != "$release" ]; then
    # Those that stood by are out of reach: nothing is sent to them before they are back.
    rm -f "$dir/failed" "$mine/.release.json" "$dir/now"
    log "bad $count keep ${why^}"
    go_back 0 "$why"
  fi
  [ ! -e "$mine/.release.json" ] || durable "$mine/.release.json" "$mine/release.json"
  perform "${keep[@]:1}"
  log "end kept 0 $1"
  leave
}
# The operator's process tells the team, as long as it holds the run's lock.
tell_alone() { ! flock --nonblock "$state/lock" true || tell "$1"; }
# The old containers that stand by get the requests at once, if all of them were well a moment ago.
move() {
  local to from
  if [ "$canary" = yes ]; then
    consult proxy_hush "${proxies[@]}"
    return
  fi
  [ -s "$dir/now" ] || return 1
  awk -F '\t' -v release="$release" '$4 "" == release { next }
    { n++; if ($5 != "running" || $6 !~ /^(healthy|-)$/) bad = 1 }
    END { exit bad || !n }' "$dir/containers" || return 1
  { read -r to && read -r from; } < <(awk '
    $1 == "h" { proxy = server = $3; sub(/\/.*/, "", proxy); sub(/@.*/, "", server); seen[proxy] = 1
      if ($2 == "o") { well[proxy] = 1; to = to server " " } else from = from server " " }
    END { for (proxy in seen) if (!well[proxy]) exit; print to; print from }' "$dir/now") || return 1
  [ -n "$to" ] && consult proxy_move "$to" "$from"
}
# $1 the number of the first bad sample, $2 why.
go_back() {
  local started row
  started=$(now) row=''
  [ "$1" -eq 0 ] || row=${rows[$(($1 - 1))]}
  first_bad=$(awk -v a="$began" -v b="${row%% *}" -v now="$started" \
    'BEGIN { printf "%.2f", (b == "" ? now : a + b) }')
  if move; then
    moved=yes
    answering
  fi
  [ "$alone" != node ] || {
    log "end told 0 $2"
    leave
  }
  perform "${back[@]}"
  grep -q '^answering' "$dir/log" || answering
  local took problem
  took=$(since "$started")
  problem=$(tail -n 1 "$dir/failed" 2> /dev/null)
  [ -n "$problem" ] || [ ! -e "$dir/failed" ] || problem="a command of the way back failed"
  [ -n "$problem" ] || grep -q '^answering' "$dir/log" || problem="the old release does not answer"
  if [ -n "$problem" ]; then
    record "${records[2]}" "$2; then going back failed: $problem"
    log "end broken $took $problem"
    tell_alone "release $release is bad ($2) and could not be taken back: $problem. A person is needed"
  else
    record "${records[1]}" "$2"
    log "end back $took $2"
    tell_alone "release $release was taken back: $2"
  fi
  leave
}
# The new release gets $1 percent of the requests.
weights() {
  local here there
  if [ "$canary" = yes ]; then
    consult proxy_guests "${proxies[@]}" && [ -n "$proxy_at" ] || return
  fi
  here=$(ips 0) there=$(ips 1)
  [ -n "${here// /}" ] && [ -n "${there// /}" ] || return 0
  consult proxy_weigh "$1" "$here" '' "$there" '' "${proxies[@]}"
}
