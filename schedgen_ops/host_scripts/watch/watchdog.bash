# The watchdog: the process on the host that watches a release, decides, and acts, whoever still listens. It holds
# a lock of its own, writes what happens to a log, and leaves nothing behind but the release's record:
#
#   ready                       it is at work
#   unread SERVICE DRIVER       the log of a new container cannot be read
#   unweighed SHARE             the ingress did not take that share; it stands before the stage that it is of
#   stage SHARE SECONDS         the new release gets that share of the requests, for so long
#   sample COLUMNS...           one look at the release; `why TEXT` before it says what did not pass
#   insufficient ACTION TOTAL   too few real requests to judge by them, and what happens then
#   share NEW ALL               requests at the ingress in the stage that ends
#   bad FIRST RULE TEXT<tab>DETAIL
#   answering SECONDS           the old release answers again, so long after the first bad sample
#   good                        the watch is over; the signal of the operator's process is waited for
#   say TEXT
#   end kept|back|broken|left|told SECONDS TEXT; left to the operator's process, which gives the release to others now;
#               told to it, where this node of a Swarm decides nothing
#
#: docker[]             the engine's words
#: project              the name of the Compose project
#: state                our folder of state
#: release              the id of the release that is watched
#: alone                "yes" where no other host's signal counts; "canary" where no other host has the release yet:
#:                      `leave` is waited for then, and it is never kept; "node" where a Swarm's manager decides
#: swarm                "yes" where a Swarm runs the services: what they replaced is gone, and the ingress leads to containers
#:                      of all nodes
#: canary               "yes" where a Swarm's ingress has containers of the release as guests, which get a share of what comes;
#:                      all that it replaces goes on
#: interval             seconds from one look to the next
#: stages[]             "SHARE SECONDS" of each part of the watch, the share in percent
#: policy[]             the limits, as awk takes them: "-v", "NAME=VALUE"
#: window               how many of the newest samples are judged together
#: least                how many requests a window's latency is known by
#: insufficient_traffic what happens where too few real requests came: accept, wait or rollback
#: traffic_timeout      seconds that "wait" waits
#: services[]           those that the release replaced
#: marks[]              for each the label, NAME=VALUE, that its new containers have
#: proxies[]            the ingress's routes for them
#: targets[]            a check each: "SECONDS PROXY STATUS URL", the proxy "-" for none, of
#:                      the status the first digits, or several with a comma between
#: metrics              such a line for the services' counters, "" for none
#: requests             the name of the counter of requests
#: latency              the name of the histogram of their seconds
#: paths                paths that are not counted, a space between them
#: prometheus           the URL of a query, "" for none
#: watch_logs           "yes" to follow the new containers' logs
#: back[]               the commands of the way back, "-" between those that wait for one another
#: cut[]                those that put what it replaced out of reach; then the checks have to pass
#: keep[]               those that keep the release; the first makes it the one that serves
#: records[]            the release's record as it is kept, taken back, or broken
source lib/rollout.bash
source lib/proxy.bash
source lib/json.bash
source lib/tell.bash
source lib/http.bash
source lib/container_states.bash
source lib/usage.bash
source watch/look.bash
source watch/act.bash
embed watch/judge.awk
embed watch/memory.awk
embed watch/states.awk
embed watch/counters.awk
embed watch/deltas.awk

ingress=$(ids_of schedgen-ingress | head -n 1)
dir=$state/guard began=$(now) base=- logged=0 count=0 rows=() proxy_at=''
declare -A parts=()
find_containers() {
  local i id only=()
  fresh=() old=()
  # A Swarm leaves what has ended beside what it started instead.
  [ "$swarm" != yes ] || only=(--filter status=running)
  for i in "${!services[@]}"; do
    for id in $(ids_of "${services[i]}" --filter "label=${marks[i]}" "${only[@]}"); do fresh+=("$id"); done
    [ "$swarm" != yes ] || continue
    for id in $(ids_of "${services[i]}"); do
      case " ${fresh[*]} " in *" $id "*) ;; *) old+=("$id") ;; esac
    done
  done
}
find_containers
observe
earlier=$(awk -F '\t' -v release="$release" '$4 "" == release { n += $7 } END { print n + 0 }' "$dir/containers")
first_bad='' moved='' jobs=() unread=()
driver='{{index .Config.Labels "com.docker.compose.service"}} {{.HostConfig.LogConfig.Type}}'
if [ "${#fresh[@]}" -gt 0 ]; then
  measured || {
    "${docker[@]}" stats --format '{{.ID}} {{.MemUsage}}' "${fresh[@]}" > "$dir/stats" 2> /dev/null 9>&- &
  }
  if [ "$watch_logs" = yes ]; then
    : > "$dir/logs"
    for id in "${fresh[@]}"; do
      if "${docker[@]}" logs --tail 0 "$id" > /dev/null 2>&1; then
        follow "$id" 9>&- &
      else
        : > "$dir/unread"
        unread+=("$("${docker[@]}" inspect --format "$driver" "$id" 2> /dev/null)")
      fi
    done
  fi
fi

trap 'log "end ended 0 it was told to stop"; leave' TERM INT
ask_ingress > "$dir/now"
metrics >> "$dir/now"
grep '^b ' "$dir/now" > "$dir/past.0"
base=$(sed 's/^/c /' "$dir/now" | awk -v lifetime=1 -v least="$least" "$deltas_awk")
exec 5<> "$dir/signal"
log ready
for text in "${unread[@]}"; do log "unread ${text:-? ?}"; done
began=$(now)
# Waits for a signal of the operator's process until $1, a time of `now`.
heed() {
  local left
  signal=''
  left=$(awk -v a="$1" -v b="$(now)" 'BEGIN { d = a - b; printf "%.2f", (d > 0.01 ? d : 0.01) }')
  IFS= read -r -t "$left" -u 5 signal
  case $signal in back\ *)
    log "bad $((count + 1)) signal ${signal#back }"
    go_back 0 "${signal#back }"
    ;;
  esac
}
round() {
  next=$(awk -v a="$next" -v i="$interval" -v n="$(now)" 'BEGIN { a += i; printf "%.2f", (a > n ? a : n) }')
  heed "$next"
  sample
  [ "$canary" != yes ] || [ -n "$proxy_at" ] || unweighed
  rows+=("$line")
  [ -z "$why" ] || log "why ${why%;}"
  log "sample $line"
  ruling=$(printf '%s\n' "${rows[@]}" | awk "${policy[@]}" -v stage="$stage_first" "$judge_awk")
  # Where there are several ports, a few bad requests to one are not made up for by many good ones to another.
  for part in "${!parts[@]}"; do
    case $ruling in back\ *) break ;; esac
    of_part=$(awk "${policy[@]}" -v stage=1 "$judge_awk" <<< "${parts[$part]}")
    case $of_part in back\ *) ruling="$of_part, $part" ;; esac
  done
  case $ruling in back\ *)
    ruling=${ruling#back }
    log "bad $ruling"
    reason=${ruling#* }
    reason=${reason#* }
    go_back "${ruling%% *}" "${reason%%$'\t'*}"
    ;;
  esac
}
# An ingress that was started anew knows no guests.
unweighed() {
  [ -n "$missed" ] || log "unweighed $share"
  missed=yes
}
over() { awk -v now="$(now)" -v began="$stage_began" -v most="$1" -v i="$interval" \
  'BEGIN { exit !(now - began >= most - i / 2) }'; }
# Guests get nothing before they are watched.
[ "$canary" != yes ] || before=0
for stage in "${stages[@]}"; do
  read -r share seconds <<< "$stage"
  missed=''
  # The first share is what the services were started with.
  [ "$share" = "${before-$share}" ] || {
    observe
    weights "$share" || unweighed
  }
  before=$share
  log "stage $stage"
  next=$(now) stage_began=$next stage_first=$((count + 1)) waiting=''
  while :; do
    round
    over "$seconds" || continue
    case $ruling in insufficient\ *) ;; *) break ;; esac
    [ -n "$waiting" ] || log "insufficient $insufficient_traffic ${ruling#insufficient }"
    waiting=yes
    case $insufficient_traffic in
      accept) break ;;
      wait) ! over "$((seconds + traffic_timeout))" || go_back 0 "too few real requests came to judge the release" ;;
      *) go_back 0 "too few real requests came to judge the release" ;;
    esac
  done
  printf '%s\n' "${rows[@]:$((stage_first - 1))}" | awk '
    $3 != "-" { n += $3; all += $3 }
    $5 != "-" { all += $5 }
    END { printf "share %.0f %.0f\n", n, all }' >> "$dir/log"
done
[ "$alone" != node ] || {
  log good
  log "end left 0 good after $count samples"
  leave
}
summary="kept after $count samples"
if [ "$alone" != yes ]; then
  log good
  while :; do
    heed "$(awk -v a="$(now)" 'BEGIN { printf "%.2f", a + 1 }')"
    [ "$signal" != keep ] || break
    [ "$signal" != leave ] || {
      log "end left 0 good after $count samples"
      leave
    }
    # Nobody holds the run's lock: the operator's process is gone, and this host decides alone.
    ! flock --nonblock "$state/lock" true || break
  done
fi
rest='other hosts got the release'
[ "$canary" != yes ] || rest='the canary was followed by the rest'
[ "$alone" != canary ] || go_back 0 "the run ended before $rest"
keep "$summary"
