"""The sampler: what a host runs to look at itself again and again, a round at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops.commands import http
from schedgen_ops.commands.docker import PROJECT_LABEL, RELEASE_LABEL, SERVICE_LABEL, Docker
from schedgen_ops.host_scripts import library
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, script

_ENGINE_PATIENCE = 20
# bash reads no empty field between tabs: a dash stands for nothing.
_BOX = "\t".join(
    (
        "{{.ID}}",
        "{{.Name}}",
        f'{{{{index .Config.Labels "{SERVICE_LABEL}"}}}}',
        f'{{{{with index .Config.Labels "{RELEASE_LABEL}"}}}}{{{{.}}}}{{{{else}}}}-{{{{end}}}}',
        "{{.State.Status}}",
        "{{with .State.Health}}{{.Status}}{{else}}-{{end}}",
        "{{.RestartCount}}",
        "{{.State.OOMKilled}}",
        "{{.State.StartedAt}}",
    )
)

# group: lines of a log on stdin that speak of trouble, those alike as one: COUNT, PATTERN, EXAMPLE.
# What differs from line to line (numbers, ids, times) is a # in the pattern. The level is judged elsewhere.
GROUP = r"""
group() {
  grep -aiE 'err|warn|fatal|panic|exception|crit|traceback|severe|emerg|alert' |
  cut -c 1-500 | tr '\t\r' '  ' | awk '{
    pattern = $0
    gsub(/[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+/, "#", pattern)
    gsub(/0x[0-9a-fA-F]+/, "#", pattern)
    gsub(/[0-9][0-9.,:T_-]*[0-9]Z?|[0-9]/, "#", pattern)
    gsub(/[0-9a-fA-F]*#[0-9a-fA-F#]*/, "#", pattern)
    if (!(pattern in count) && kinds++ >= 300) next
    if (!count[pattern]++) example[pattern] = $0
  } END { for (pattern in count) print count[pattern] "\t" pattern "\t" example[pattern] }'
}
# logged SERVICE CONTAINER OPTIONS...: what it wrote, in groups; `unread` with the logging driver's name where
# the engine cannot tell: its refusal is no line of the service, and no silence either. One that is gone
# meanwhile has no log to miss.
logged() {
  local name=$1 id=$2 said line driver; shift 2
  if said=$("${docker[@]}" logs "$@" "$id" 2>&1 | group; exit "${PIPESTATUS[0]}"); then
    [ -n "$said" ] || return 0
    while IFS= read -r line; do printf 'log\t%s\t%s\n' "$name" "$line"; done <<< "$said"
    return 0
  fi
  driver=$("${docker[@]}" inspect --format '{{.HostConfig.LogConfig.Type}}' "$id" 2>&1) ||
    case $driver in *"No such"*) return 0 ;; *) driver='' ;; esac
  printf 'unread\t%s\t%s\n' "$name" "${driver##*$'\n'}"
}
"""

# usage ID: memory in use, its limit, CPU time in microseconds, as the container's cgroup has them; 1 where
# it is not found. Reading files costs the host nothing; `docker stats` takes two seconds of the engine.
USAGE = r"""
cgroups=/sys/fs/cgroup
usage() {
  local at cpu memory limit used=0 cache=0 key value
  for at in "$cgroups/system.slice/docker-$1.scope" "$cgroups/docker/$1"; do
    [ -r "$at/memory.current" ] || continue
    read -r memory < "$at/memory.current" && read -r limit < "$at/memory.max" || return
    while read -r key value; do [ "$key" != inactive_file ] || cache=$value; done < "$at/memory.stat"
    while read -r key value; do [ "$key" != usage_usec ] || used=$value; done < "$at/cpu.stat"
    printf 'usage\t%s\t%s\t%s\t%s\n' "$1" "$((memory - cache))" "$limit" "$used"; return
  done 2>/dev/null
  for at in "docker/$1" "system.slice/docker-$1.scope"; do
    for cpu in cpuacct cpu,cpuacct; do [ ! -r "$cgroups/$cpu/$at/cpuacct.usage" ] || break; done
    [ -r "$cgroups/memory/$at/memory.usage_in_bytes" ] || continue
    read -r memory < "$cgroups/memory/$at/memory.usage_in_bytes" &&
    read -r limit < "$cgroups/memory/$at/memory.limit_in_bytes" &&
    read -r used < "$cgroups/$cpu/$at/cpuacct.usage" || return
    while read -r key value; do
      [ "$key" != total_inactive_file ] || cache=$value
    done < "$cgroups/memory/$at/memory.stat"
    printf 'usage\t%s\t%s\t%s\t%s\n' "$1" "$((memory - cache))" "$limit" "$((used / 1000))"; return
  done 2>/dev/null
  return 1
}
"""

# A round is what stands between `round NUMBER MICROSECONDS` and `end NUMBER MICROSECONDS`. All of it is done
# at the same time, and every line is short enough for a pipe to keep it whole. Rounds are numbered by their
# times, so that one left out shows.
# $1 rounds (0: without end), $2 microseconds between them, $3 logs in every so many rounds, $4 a request's
# patience, $5 the containers' label, $6 what is told of one, then three lists, each after its length:
# docker's words, URLs, names and texts of further commands.
_SAMPLE = (
    http.GET
    + library("docker")
    + GROUP
    + USAGE
    + r"""
rounds=$1 interval=$2 every=$3 patience=$4 filter=$5 format=$6; shift 6
docker=("${@:2:$1}"); shift $(($1 + 1))
urls=("${@:2:$1}"); shift $(($1 + 1))
extra=("${@:2:$1}")
ask() { local said; said=$(get "$2" "$patience"); printf 'http\t%s\t%s\n' "$1" "${said//[$'\t\n']/ }"; }
kernel() {
  local name a b c d e f g h total=0 free=0
  read -r name a b c d e f g h _ < /proc/stat
  printf 'cpu\t%s\t%s\n' "$((a + b + c + f + g + h))" "$((a + b + c + d + e + f + g + h))"
  while IFS=': ' read -r name a _; do
    case $name in MemTotal) total=$a ;; MemAvailable) free=$a; break ;; esac
  done < /proc/meminfo
  printf 'memory\t%s\t%s\n' "$total" "$free"
}
boxes() { # $1 whether to look into the logs too: what came from $2 to $3; $4 when the last round began
  local ids found line id unknown=()
  ids=$("${docker[@]}" ps --all --quiet --no-trunc --filter "$filter" \
    --filter label=com.docker.compose.oneoff=False 2>/dev/null) || return
  found=$([ -z "$ids" ] || present "$format" $ids 2>/dev/null) || return
  echo boxes
  [ -n "$found" ] || return
  while IFS= read -r line; do printf 'box\t%s\n' "$line"; done <<< "$found"
  while IFS=$'\t' read -r id _ _ _ line _; do
    [ "$line" != running ] || usage "$id" || unknown+=("$id")
  done <<< "$found"
  [ "${#unknown[@]}" -eq 0 ] || "${docker[@]}" stats --no-stream --no-trunc \
    --format '{{.ID}}'$'\t''{{.CPUPerc}}'$'\t''{{.MemUsage}}' "${unknown[@]}" 2>/dev/null |
    while IFS= read -r line; do printf 'stats\t%s\n' "$line"; done
  "${docker[@]}" events --since "$4" --until "$3" --filter "$filter" --filter event=oom \
    --format '{{.Actor.ID}}' 2>/dev/null | while IFS= read -r line; do printf 'oom\t%s\n' "$line"; done
  [ "$1" = yes ] || return
  echo looked
  while IFS=$'\t' read -r id _ name _; do
    logged "$name" "$id" --since "$2" --until "$3"
  done <<< "$found"
}
further() { eval "$2" 2>/dev/null </dev/null | while IFS= read -r line; do
  printf 'extra\t%s\t%s\n' "$1" "${line:0:3000}"; done; }
seconds() { printf '%s.%06d' "$(($1 / 1000000))" "$(($1 % 1000000))"; }
kernel
began=${EPOCHREALTIME/[.,]/} since=$began last=$began
round=1 looks=0
while [ "$rounds" -eq 0 ] || [ "$round" -le "$rounds" ]; do
  at=${EPOCHREALTIME/[.,]/} look=no
  printf 'round\t%s\t%s\n' "$round" "$at"
  looks=$((looks + 1))
  [ $((looks % every)) -ne 0 ] || look=yes
  boxes "$look" "$(seconds "$since")" "$(seconds "$at")" "$(seconds "$last")" &
  for index in "${!urls[@]}"; do ask "$index" "${urls[index]}" & done
  for ((index = 0; index < ${#extra[@]}; index += 2)); do further "${extra[@]:index:2}" & done
  kernel
  wait
  last=$at
  [ "$look" = no ] || since=$at
  printf 'end\t%s\t%s\n' "$round" "$((${EPOCHREALTIME/[.,]/} - at))" || exit
  # A round that took longer than its time costs those whose time it took: the end does not move.
  due=$(((${EPOCHREALTIME/[.,]/} - began) / interval + 1))
  round=$((due > round ? due : round + 1))
  pause=$((began + (round - 1) * interval - ${EPOCHREALTIME/[.,]/}))
  [ "$rounds" -ne 0 ] && [ "$round" -gt "$rounds" ] || [ "$pause" -le 0 ] || sleep "$(seconds "$pause")"
done
"""
)


def sample(
    docker: Docker,
    project: str,
    checks: Sequence[Check],
    *,
    rounds: int,
    interval: float,
    patience: float,
    log_rounds: int = 1,
    extra: Mapping[str, Command] | None = None,
) -> Command:
    """Looks at the host in `rounds` rounds, `interval` seconds apart; `sample.Reader` reads what it prints.

    Args:
        rounds: 0 goes on until it is ended.
        patience: seconds after which a request is given up.
        log_rounds: the logs are looked into in every so many rounds.
        extra: further commands of each round, by names; their lines come in `Sample.extra`.
    """
    further = [word for name, command in (extra or {}).items() for word in (name, command.text)]
    urls = [check.url for check in checks]
    # An engine that hangs leaves a round without containers; it does not end the watch.
    words = ("timeout", "-k", "2", str(_ENGINE_PATIENCE), *docker.words)
    return script(
        _SAMPLE,
        str(rounds),
        str(round(interval * 1e6)),
        str(max(1, log_rounds)),
        f"{patience:g}",
        f"label={PROJECT_LABEL}={project}",
        _BOX,
        *(str(len(words)), *words),
        *(str(len(urls)), *urls),
        *(str(len(further)), *further),
        title="watch",
    )
