"""The sentry: the process on the host that watches a release, decides, and acts, whoever still listens. Pure.

It holds a lock of its own, writes what happens to a log, and leaves nothing behind but the release's record:

    ready                       it is at work
    unread SERVICE DRIVER       the log of a new container cannot be read
    unweighed SHARE             the ingress did not take that share; it stands before the stage that it is of
    stage SHARE SECONDS         the new release gets that share of the requests, for so long
    sample COLUMNS...           see `sample`; `why TEXT` before it says what did not pass
    thin ACTION TOTAL           too few real requests to judge by them, and what happens then
    share NEW ALL               requests at the ingress in the stage that ends
    bad FIRST RULE TEXT<tab>DETAIL
    answering SECONDS           the old release answers again, so long after the first bad sample
    good                        the watch is over; the word of the operator's process is waited for
    say TEXT
    end kept|back|broken SECONDS TEXT
"""

from __future__ import annotations

from schedgen_ops.commands import http
from schedgen_ops.guard import arithmetic, counting, sampling
from schedgen_ops.host_scripts import library
from schedgen_ops.rollout.library import LIBRARY, WATCHING
from schedgen_ops.shell import LOCALE

_ARGUMENTS = r"""
take() { local -n into=$1; into=("${@:3:$2}"); }
state=$1 release=$2 alone=$3 interval=$4 thin=$5 patience=$6 metrics=$7 requests=$8 latency=$9
prometheus=${10} paths=${11} least=${12} window=${13} watch_logs=${14}; shift 14
for list in stages policy services proxies targets back keep records; do
  take "$list" "$@"; shift "$((1 + $1))"
done
awk_judge=$1 awk_ingress=$2 awk_counters=$3 awk_deltas=$4
dir=$state/guard began=$(now) base=- logged=0 count=0 rows=()
declare -A parts=()
"""

_ACT = r"""
log() { printf '%s\n' "$*" >> "$dir/log"; }
mine=$state/releases/$release
# Nothing is left: no process of ours, no file.
leave() {
  trap '' TERM
  rm -rf "$dir"; kill -TERM -- "-$$" 2>/dev/null; exit 0
}
# The record beside its place, and in it.
prepare() {
  local text=${1//@finished@/$(date -u +%Y-%m-%dT%H:%M:%SZ)} json
  json "$2"
  ( umask 077; printf '%s\n' "${text%@reason@*}$json${text##*@reason@}" > "$mine/.release.json" )
}
record() { prepare "$@" && durable "$mine/.release.json" "$mine/release.json"; }
visit() {
  local target url
  for target in "${targets[@]}"; do
    read -r _ _ url <<< "$target"
    [ "$(check "$url" "${target%% *}")" = good ] || return 1
  done
}
since() { awk -v a="$(now)" -v b="$1" 'BEGIN { printf "%.2f", a - b }'; }
answering() { within 20 visit && log "answering $(since "$first_bad")"; }
# Runs commands, those between two "-" at once; what fails is in $dir/failed.
perform() {
  local item
  for item in "$@" -; do
    if [ "$item" = - ]; then [ "${#jobs[@]}" -eq 0 ] || wait "${jobs[@]}"; jobs=(); continue; fi
    { last=''
      while IFS= read -r line; do case $line in
        say\ *|gap\ *) log "$line" ;;
        moved) [ -n "$first_bad" ] && [ -z "$moved" ] && answering ;;
        replaced) [ -z "$first_bad" ] || answering ;;
        'exit 0') ;;
        'exit '*) printf '%s\n' "$last" >> "$dir/failed" ;;
        *) [ -z "$line" ] || last=$line ;;
      esac; done < <(bash -o pipefail -c "$item" 2>&1; code=$?; echo; echo "exit $code"); } 9>&- &
    jobs+=($!)
  done
}
keep() {
  # The record and what is said to serve change in one go.
  prepare "${records[0]}" "$1" && perform "${keep[0]}"
  if [ "$(cat "$state/current")" != "$release" ]; then
    rm -f "$dir/failed" "$mine/.release.json"
    log "bad $count keep It could not be made the release that serves"
    go_back 0 "it could not be made the release that serves"
  fi
  [ ! -e "$mine/.release.json" ] || durable "$mine/.release.json" "$mine/release.json"
  perform "${keep[@]:1}"
  log "end kept 0 $1"; leave
}
# The old containers that stand by get the requests at once, if all of them were well a moment ago.
move() {
  local text
  [ -s "$dir/now" ] || return 1
  awk -v release="$release" '$3 == release "x" { next }
    { n++; if ($4 != "running" || $5 !~ /^(healthy|none)$/) bad = 1 }
    END { exit bad || !n }' "$dir/containers" || return 1
  text=$(awk '$1 == "h" { proxy = server = $3; sub(/\/.*/, "", proxy); sub(/@.*/, "", server); seen[proxy] = 1
    if ($2 == "o") well[proxy] = 1
    text = text "set weight " server " " ($2 == "o" ? 256 : 0) ";" }
    END { for (proxy in seen) if (!well[proxy]) exit; print text }' "$dir/now")
  [ -n "$text" ] && consult "${text%;}"
}
# $1 the number of the first bad sample, $2 why.
go_back() {
  local started row
  started=$(now) row=''
  [ "$1" -eq 0 ] || row=${rows[$(($1 - 1))]}
  first_bad=$(awk -v a="$began" -v b="${row%% *}" -v now="$started" \
    'BEGIN { printf "%.2f", (b == "" ? now : a + b) }')
  if move; then moved=yes; answering; fi
  perform "${back[@]}"
  grep -q '^answering' "$dir/log" || answering
  local took problem
  took=$(since "$started")
  problem=$(tail -n 1 "$dir/failed" 2>/dev/null)
  [ -n "$problem" ] || [ ! -e "$dir/failed" ] || problem="a command of the way back failed"
  [ -n "$problem" ] || grep -q '^answering' "$dir/log" || problem="the old release does not answer"
  if [ -n "$problem" ]; then record "${records[2]}" "$2; then going back failed: $problem"
    log "end broken $took $problem"
  else record "${records[1]}" "$2"; log "end back $took $2"; fi
  leave
}
# The new release gets $1 percent of the requests.
weights() {
  local proxy name here there text=''
  here=$(ips 0) there=$(ips 1)
  [ -n "${here// /}" ] && [ -n "${there// /}" ] || return 0
  consult 'show stat' || return
  stat=$answer
  for proxy in "${proxies[@]}"; do
    mapfile -t to < <(names "$proxy" "$here"); mapfile -t from < <(names "$proxy" "$there")
    weigh "$1" "${#to[@]}" "${#from[@]}"
    for name in "${to[@]}"; do text+="set weight $proxy/$name $come;"; done
    for name in "${from[@]}"; do text+="set weight $proxy/$name $go;"; done
  done
  [ -z "$text" ] || consult "${text%;}"
}
"""

_MAIN = r"""
trap 'log "end ended 0 it was told to stop"; leave' TERM INT
ask_ingress > "$dir/now"; metrics >> "$dir/now"; grep '^b ' "$dir/now" > "$dir/past.0"
base=$(sed 's/^/c /' "$dir/now" | awk -v lifetime=1 -v least="$least" "$awk_deltas")
exec 5<>"$dir/word"
log ready
for text in "${unread[@]}"; do log "unread ${text:-? ?}"; done
began=$(now)
# Waits for a word of the operator's process until $1, a time of `now`.
heed() {
  local left
  word=''
  left=$(awk -v a="$1" -v b="$(now)" 'BEGIN { d = a - b; printf "%.2f", (d > 0.01 ? d : 0.01) }')
  IFS= read -r -t "$left" -u 5 word
  case $word in back\ *) log "bad $((count + 1)) word ${word#back }"; go_back 0 "${word#back }" ;; esac
}
round() {
  next=$(awk -v a="$next" -v i="$interval" -v n="$(now)" 'BEGIN { a += i; printf "%.2f", (a > n ? a : n) }')
  heed "$next"
  sample
  rows+=("$line")
  [ -z "$why" ] || log "why ${why%;}"
  log "sample $line"
  ruling=$(printf '%s\n' "${rows[@]}" | awk "${policy[@]}" -v stage="$stage_first" "$awk_judge")
  # Where there are several ports, a few bad requests to one are not made up for by many good ones to another.
  for part in "${!parts[@]}"; do
    case $ruling in back\ *) break ;; esac
    of_part=$(awk "${policy[@]}" -v stage=1 "$awk_judge" <<< "${parts[$part]}")
    case $of_part in back\ *) ruling="$of_part, $part" ;; esac
  done
  case $ruling in back\ *)
    ruling=${ruling#back }; log "bad $ruling"
    reason=${ruling#* }; reason=${reason#* }; go_back "${ruling%% *}" "${reason%%$'\t'*}" ;;
  esac
}
over() { awk -v now="$(now)" -v began="$stage_began" -v most="$1" -v i="$interval" \
  'BEGIN { exit !(now - began >= most - i / 2) }'; }
for stage in "${stages[@]}"; do
  read -r share seconds <<< "$stage"
  # The first share is what the services were started with.
  [ "$share" = "${before-$share}" ] || { observe; weights "$share" || log "unweighed $share"; }
  before=$share
  log "stage $stage"
  next=$(now) stage_began=$next stage_first=$((count + 1)) waiting=''
  while :; do
    round
    over "$seconds" || continue
    case $ruling in thin\ *) ;; *) break ;; esac
    [ -n "$waiting" ] || log "thin $thin ${ruling#thin }"
    waiting=yes
    case $thin in
      accept) break ;;
      wait) ! over "$((seconds + patience))" || go_back 0 "too few real requests came to judge the release" ;;
      *) go_back 0 "too few real requests came to judge the release" ;;
    esac
  done
  printf '%s\n' "${rows[@]:$((stage_first - 1))}" | awk '
    $3 != "-" { n += $3; all += $3 }
    $5 != "-" { all += $5 }
    END { printf "share %.0f %.0f\n", n, all }' >> "$dir/log"
done
summary="kept after $count samples"
if [ "$alone" != yes ]; then
  log good
  while :; do
    heed "$(awk -v a="$(now)" 'BEGIN { printf "%.2f", a + 1 }')"
    [ "$word" != keep ] || break
    # Nobody holds the run's lock: the operator's process is gone, and this host decides alone.
    ! flock --nonblock "$state/lock" true || break
  done
fi
keep "$summary"
"""

_START = r"""
find_containers() {
  local service id
  fresh=() old=()
  for service in "${services[@]}"; do
    for id in $(ids_of "$service" --filter "label=schedgen.release=$release"); do fresh+=("$id"); done
    for id in $(ids_of "$service"); do
      case " ${fresh[*]} " in *" $id "*) ;; *) old+=("$id") ;; esac
    done
  done
}
find_containers
observe
earlier=$(awk -v release="$release" '$3 == release "x" { n += $6 } END { print n + 0 }' "$dir/containers")
first_bad='' moved='' jobs=() unread=()
driver='{{index .Config.Labels "com.docker.compose.service"}} {{.HostConfig.LogConfig.Type}}'
if [ "${#fresh[@]}" -gt 0 ]; then
  "${docker[@]}" stats --format '{{.ID}} {{.MemUsage}}' "${fresh[@]}" > "$dir/stats" 2>/dev/null 9>&- &
  if [ "$watch_logs" = yes ]; then
    : > "$dir/logs"
    for id in "${fresh[@]}"; do
      if "${docker[@]}" logs --tail 0 "$id" >/dev/null 2>&1; then follow "$id" 9>&- &
      else : > "$dir/unread"; unread+=("$("${docker[@]}" inspect --format "$driver" "$id" 2>/dev/null)"); fi
    done
  fi
fi
"""

_SHARED = LOCALE + LIBRARY + WATCHING + library("json") + http.GET
PROGRAM = _SHARED + sampling.LOOK + _ARGUMENTS + _ACT + _START + _MAIN
TEXTS = (arithmetic.JUDGE, counting.INGRESS, counting.COUNTERS, counting.DELTAS)
