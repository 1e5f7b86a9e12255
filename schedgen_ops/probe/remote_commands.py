"""The prober's command. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands import http
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, script

_DOCKER = Docker()
# What the ingress has counted since its worker began, in a line: `visitors WHEN CONTAINER PID BORN`, then the
# answers of servers to visitors, those that were 5xx, all 5xx, those of servers, and answers that broke off.
_COUNT = r"""
ask_ingress() { timeout -k 2 15 "${docker[@]}" exec "$1" bash -c '
  ask() { exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && timeout 5 cat <&3 && exec 3<&-; }
  tables=
  while read -r mark word name rest; do
    [ "$mark$word" != "#table:" ] || tables+="show table ${name%,};"
  done < <(ask "show table")
  ask "show info;${tables}show stat" && echo over' </dev/null 2>/dev/null; }
count() {
  local id line f names i pid= born= over= answers=0 errors=0 all=0 served=0 broken=0
  local -A at=()
  id=$(timeout -k 2 15 "${docker[@]}" ps --quiet --no-trunc \
    --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=schedgen-ingress 2>/dev/null) ||
    { echo "visitors $1 unknown"; return; }
  [ -n "$id" ] || { echo "visitors $1 none"; return; }
  id=${id%%$'\n'*}
  while IFS= read -r line; do
    case $line in
      'Pid: '*) pid=${line#*: } ;;
      'Start_time_sec: '*) born=${line#*: } ;;
      'Uptime_sec: '*) born=${born:-$((EPOCHSECONDS - ${line#*: }))} ;;
      *' gpc0='*)
        [[ $line =~ gpc0=([0-9]+) ]] && answers=$((answers + BASH_REMATCH[1]))
        [[ $line =~ gpc1=([0-9]+) ]] && errors=$((errors + BASH_REMATCH[1])) ;;
      '# pxname,'*) IFS=, read -ra names <<< "${line#'# '}"
        for i in "${!names[@]}"; do at[${names[i]}]=$i; done ;;
      over) over=yes ;;
      *,*) [ "${#at[@]}" -gt 0 ] || continue
        IFS=, read -ra f <<< "$line"
        case ${f[${at[type]}]} in
          0) all=$((all + ${f[${at[hrsp_5xx]}]:-0})) ;;
          1) broken=$((broken + ${f[${at[srv_abrt]}]:-0})) ;;
          2) served=$((served + ${f[${at[hrsp_5xx]}]:-0})) ;;
        esac ;;
    esac
  done < <(ask_ingress "$id")
  [ -n "$over" ] && [ -n "$born" ] && [ -n "$pid" ] && [ "${#at[@]}" -gt 0 ] ||
    { echo "visitors $1 unknown"; return; }
  echo "visitors $1 $id $pid $born $answers $errors $all $served $broken"
}
"""

# One process for each URL says a line a request: start in microseconds, URL's number, status, time. Lines on
# stdin name the phase that begins, or say `count` for another look at the ingress's counters. It ends with
# its stdin, or when nothing was heard for $1 seconds.
_PROBE = (
    http.GET
    + _COUNT
    + r"""
silence=$1 pause=$2 patience=$3 project=$4 count=$5; shift 5
docker=("${@:1:count}"); shift "$count"
echo probing
count start </dev/null &
number=0 jobs=($!)
for url in "$@"; do
  ( trap 'exit 0' TERM
    # Nothing ever comes here: to wait for it takes no process of its own.
    exec 9<> <(:)
    while :; do
      start=${EPOCHREALTIME/[.,]/}
      request "$url" "$patience"
      read -r status seconds _ <<< "$answer"
      printf '%s %s %s %s\n' "$start" "$number" "$status" "$seconds"
      read -r -t "$pause" <&9
    done ) </dev/null 2>/dev/null &
  jobs+=($!); number=$((number + 1))
done
trap 'kill "${jobs[@]}" 2>/dev/null' EXIT
while IFS= read -r -t "$silence" line; do
  case $line in
    '') ;;
    count) count end ;;
    *) printf '%s phase %s\n' "${EPOCHREALTIME/[.,]/}" "$line" ;;
  esac
done
"""
)


def probe(
    checks: Sequence[Check],
    *,
    silence: int,
    pause: float,
    patience: float,
    docker: Docker = _DOCKER,
    project: str = "",
) -> Command:
    """Return the command that asks the checks' URLs again and again, and says what they answered.

    Args:
        silence: seconds without a line on stdin after which it ends.
        pause: seconds from an answer to the next request.
        patience: seconds after which a request has failed.
        project: the compose project whose ingress it is.
    """
    numbers = (str(silence), f"{pause:g}", f"{patience:g}")
    engine = (project, str(len(docker.words)), *docker.words)
    return script(_PROBE, *numbers, *engine, *(check.url for check in checks), title="probe")
