# Looks at the host again and again. A round is what stands between `round NUMBER MICROSECONDS` and `end NUMBER
# MICROSECONDS`. All of it is done at the same time, and every line is short enough for a pipe to keep it whole.
# Rounds are numbered by their times, so that one left out shows: also where the host was paused, or its clock set
# forward. A clock that was set back moves the beginning, and delays none.
#: docker[]   the engine's words
#: rounds     how many, 0 without end
#: interval   microseconds from one to the next
#: log_rounds the logs are looked into in every so many rounds
#: patience   seconds after which a request is given up
#: filter     the containers, as `docker ps --filter` takes it
#: urls[]     what is asked
#: extra[]    names and shell texts of further commands
source lib/container_states.bash
source lib/http.bash
source lib/logs.bash
source lib/usage.bash

ask() {
  local said
  said=$(get "$2" "$patience")
  printf 'http\t%s\t%s\n' "$1" "${said//[$'\t\n']/ }"
}
kernel() {
  local name a b c d e f g h total=0 free=0
  read -r name a b c d e f g h _ < /proc/stat
  printf 'cpu\t%s\t%s\n' "$((a + b + c + f + g + h))" "$((a + b + c + d + e + f + g + h))"
  while IFS=': ' read -r name a _; do
    case $name in MemTotal) total=$a ;; MemAvailable)
      free=$a
      break
      ;;
    esac
  done < /proc/meminfo
  printf 'memory\t%s\t%s\n' "$total" "$free"
}
project_containers() { # $1 whether to look into the logs too: what came from $2 to $3; $4 when the last round began
  local ids found line id unknown=()
  ids=$(listed_ids --all --filter "$filter" --filter label=com.docker.compose.oneoff=False 2> /dev/null) || return
  # shellcheck disable=SC2086 # a list of ids
  found=$([ -z "$ids" ] || container_states $ids) || return
  echo containers
  [ -n "$found" ] || return
  while IFS= read -r line; do printf 'container\t%s\n' "$line"; done <<< "$found"
  while IFS=$'\t' read -r id _ _ _ line _; do
    [ "$line" != running ] || usage "$id" || unknown+=("$id")
  done <<< "$found"
  [ "${#unknown[@]}" -eq 0 ] || "${docker[@]}" stats --no-stream --no-trunc \
    --format '{{.ID}}'$'\t''{{.CPUPerc}}'$'\t''{{.MemUsage}}' "${unknown[@]}" 2> /dev/null |
    while IFS= read -r line; do printf 'stats\t%s\n' "$line"; done
  "${docker[@]}" events --since "$4" --until "$3" --filter "$filter" --filter event=oom \
    --format '{{.Actor.ID}}' 2> /dev/null | while IFS= read -r line; do printf 'oom\t%s\n' "$line"; done
  [ "$1" = yes ] || return
  echo looked
  while IFS=$'\t' read -r id _ name _; do
    logged "$name" "$id" --since "$2" --until "$3"
  done <<< "$found"
}
further() { eval "$2" 2> /dev/null < /dev/null | while IFS= read -r line; do
  printf 'extra\t%s\t%s\n' "$1" "${line:0:3000}"
done; }
seconds() { printf '%s.%06d' "$(($1 / 1000000))" "$(($1 % 1000000))"; }
kernel
began=${EPOCHREALTIME/[.,]/} since=$began last=$began now=$began
round=1 looks=0
while [ "$rounds" -eq 0 ] || [ "$round" -le "$rounds" ]; do
  at=${EPOCHREALTIME/[.,]/} look=no
  [ "$at" -ge "$now" ] || began=$((at - (round - 1) * interval))
  printf 'round\t%s\t%s\n' "$round" "$at"
  since=$((since < at ? since : at)) last=$((last < at ? last : at))
  looks=$((looks + 1))
  [ $((looks % log_rounds)) -ne 0 ] || look=yes
  project_containers "$look" "$(seconds "$since")" "$(seconds "$at")" "$(seconds "$last")" &
  for index in "${!urls[@]}"; do ask "$index" "${urls[index]}" & done
  for ((index = 0; index < ${#extra[@]}; index += 2)); do further "${extra[@]:index:2}" & done
  kernel
  wait
  last=$at now=${EPOCHREALTIME/[.,]/}
  [ "$look" = no ] || since=$at
  printf 'end\t%s\t%s\n' "$round" "$((now > at ? now - at : 0))" || exit
  [ "$now" -ge "$at" ] || began=$((began - at + now))
  # A round that took longer than its time costs those whose time it took: the end does not move.
  due=$(((now - began) / interval + 1))
  round=$((due > round ? due : round + 1))
  pause=$((began + (round - 1) * interval - now))
  [ "$rounds" -ne 0 ] && [ "$round" -gt "$rounds" ] || [ "$pause" -le 0 ] || sleep "$(seconds "$pause")"
done
