"""What replaces a service's containers on the host: each script is one round trip, and ends what it began.

A script goes on when the connection dies, and puts everything in order whatever happens, so that a host is
never left between two releases of a service. Its lines for us are `new ID`, `gone NAME` and `say TEXT`.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.shell import Command, script

# Ends well when every container is healthy, or running where it has no check; ends with 1 and a reason as soon
# as one dies or Docker calls it unhealthy. The engine's events wake it, nobody polls.
_LIBRARY = r"""
trap '' HUP PIPE
say() { printf 'say %s\n' "$*" 2>/dev/null || :; }
state() { "${docker[@]}" inspect --format \
  '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}}' "$1" 2>/dev/null; }
ids_of() { "${docker[@]}" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
  --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False; }
verdict() {
  local all=0 id status health code
  for id in "$@"; do
    read -r status health code <<< "$(state "$id")"
    case $status:$health in
      running:healthy|running:none) ;;
      running:starting|created:*|restarting:starting) all=1 ;;
      running:unhealthy) reason="is unhealthy"; return 2 ;;
      *) reason="ended with exit code ${code:-unknown}"; return 2 ;;
    esac
  done
  return "$all"
}
healthy() {
  local limit=$1 id result events line; shift
  exec 3< <(exec timeout "$limit" "${docker[@]}" events --filter event=health_status --filter event=die \
    "${@/#/--filter=container=}" --format '{{.Action}}')
  events=$!
  while :; do
    verdict "$@"; result=$?
    [ "$result" -eq 1 ] || break
    IFS= read -r -t 1 line <&3
    [ $? -ne 1 ] || { reason="was not healthy after ${limit}s"; result=2; break; }
  done
  kill "$events" 2>/dev/null; exec 3<&-
  return "$result"
}
ask() { "${docker[@]}" exec "$ingress" bash -c \
  'exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && timeout 5 cat <&3' bash "$1" 2>/dev/null; }
address() { "${docker[@]}" inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$1"; }
# The servers of a proxy that lead to one of these addresses, or to none (""): name, status, open sessions.
servers() { ask 'show stat' | awk -F, -v proxy="$1" -v wanted=" $2 " '
  /^# / { sub(/^# /, ""); for (i = 1; i <= NF; i++) at[$i] = i; next }
  $at["pxname"] == proxy && $at["type"] == 2 {
    split($at["addr"], part, ":"); address = part[1]
    if (address == "0.0.0.0") address = ""
    if (wanted == "  " ? address == "" : address != "" && index(wanted, " " address " "))
      print $at["svname"], $at["status"], $at["scur"]
  }'; }
names() { servers "$@" | cut -d' ' -f1; }
# One request for many servers: $1 before and $2 behind each name.
tell() { local text='' name before=$1 behind=$2; shift 2
  for name in "$@"; do text+="$before$name$behind;"; done
  [ -z "$text" ] || ask "$text" >/dev/null; }
within() { local end=$((SECONDS + $1)); shift
  until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.1; done; }
seen_up() { [ "$(servers "$1" "$2" | grep -c ' UP')" -ge "$3" ]; }
idle() { ! servers "$1" "$2" | grep -qv ' 0$'; }
"""

# $1 project, $2 service, $3 containers wanted, $4 seconds to get healthy, $5 seconds to drain, $6 the
# ingress's container or "", $7 how many proxies follow, then those, how many words docker has, those,
# then docker compose.
_BESIDE = (
    _LIBRARY
    + r"""
project=$1 service=$2 wanted=$3 limit=$4 drain=$5 ingress=$6 count=$7; shift 7
proxies=("${@:1:count}"); shift "$count"; count=$1; shift
docker=("${@:1:count}"); shift "$count"
mapfile -t old < <(ids_of "$service")
is_old() { local id; for id in "${old[@]}"; do [ "$id" != "$1" ] || return 0; done; return 1; }
# A container is in Docker's DNS before it can answer: free servers get no requests until it can.
for proxy in "${proxies[@]}"; do
  mapfile -t free < <(names "$proxy" ''); tell "set weight $proxy/" ' 0' "${free[@]}"
done
"$@" up --detach --no-deps --no-build --no-recreate --pull never --scale "$service=$((${#old[@]} + wanted))" \
  "$service" >&2 || problem="could not be started"
new=(); for id in $(ids_of "$service"); do is_old "$id" || new+=("$id"); done
open_all() { for proxy in "${proxies[@]}"; do
  mapfile -t all < <(names "$proxy" ''; names "$proxy" "${here-}"); tell "set weight $proxy/" ' 100%' "${all[@]}"
done; }
give_up() {
  for id in "${new[@]}"; do
    "${docker[@]}" logs --tail 200 "$id" 2>&1 | while IFS= read -r line; do say "$service | $line"; done
  done
  [ "${#new[@]}" -eq 0 ] || "${docker[@]}" rm --force "${new[@]}" >/dev/null
  open_all; echo "$1" >&2; exit 1
}
[ -z "${problem-}" ] && [ "${#new[@]}" -eq "$wanted" ] || give_up "${problem:-did not start}"
healthy "$limit" "${new[@]}" || give_up "$reason"
here='' there=''
for id in "${new[@]}"; do here+="$(address "$id") "; done
for id in "${old[@]}"; do there+="$(address "$id") "; done
for proxy in "${proxies[@]}"; do
  within 15 seen_up "$proxy" "$here" "$wanted" || give_up "is not seen by the ingress on ${proxy##*_}"
done
drained=()
for proxy in "${proxies[@]}"; do
  mapfile -t come < <(names "$proxy" "$here"); tell "set weight $proxy/" ' 100%' "${come[@]}"
  mapfile -t go < <(names "$proxy" "$there"); tell "set server $proxy/" ' state drain' "${go[@]}"
  drained+=("${go[@]/#/$proxy/}")
done
for proxy in "${proxies[@]}"; do
  within "$drain" idle "$proxy" "$there" || say "requests to the old $service were still open after ${drain}s"
done
if [ "${#old[@]}" -gt 0 ]; then
  "${docker[@]}" stop "${old[@]}" >/dev/null; "${docker[@]}" rm --force "${old[@]}" >/dev/null
fi
tell 'set server ' ' state ready' "${drained[@]}"
open_all
exit 0
"""
)


def beside(
    compose: Compose,
    release: str,
    service: str,
    *,
    wanted: int,
    health: int,
    drain: int,
    ingress: str = "",
    proxies: Sequence[str] = (),
) -> Command:
    """New containers beside the old ones, healthy and reached by the ingress before the old ones go.

    Args:
        release: the folder of the release's compose.yaml.
        wanted: how many containers the service has.
        health: seconds until they must be healthy.
        drain: seconds for requests in flight to end.
        ingress: the ingress's container; "" where nothing is behind it.
        proxies: the ingress's proxies that lead to the service.
    """
    values = (compose.project, service, str(wanted), str(health), str(drain), ingress)
    docker = compose.docker.words
    lists = (str(len(proxies)), *proxies, str(len(docker)), *docker)
    return script(_BESIDE, *values, *lists, *compose.words_of(release), title=f"replace {service}")
