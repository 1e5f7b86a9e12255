"""What replaces a service's containers on the host: each script is one round trip, and ends what it began.

A script goes on when the connection dies, and puts everything in order whatever happens, so that a host is
never left between two releases of a service. Its lines for us are `say TEXT`, `gap MICROSECONDS` and
`moved`, once requests go to those that stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.library import ALONE, HEAD, LIBRARY
from schedgen_ops.shell import Command, script

# $1 service, $2 containers wanted, $3 how many proxies follow, then those, then the share of the requests (in
# percent) that the new containers get, then docker compose.
_BESIDE = (
    LIBRARY
    + HEAD
    + r"""
service=$1 wanted=$2 count=$3; shift 3
proxies=("${@:1:count}"); shift "$count"
share=$1; shift
mapfile -t old < <(ids_of "$service")
is_old() { local id; for id in "${old[@]}"; do [ "$id" != "$1" ] || return 0; done; return 1; }
open_all() { [ "${#proxies[@]}" -gt 0 ] || return 0
look; for proxy in "${proxies[@]}"; do
  mapfile -t all < <(names "$proxy" ''; names "$proxy" "${here-}")
  order "set weight $proxy/" ' 100%' "${all[@]}"
done; send; }
give_up() {
  for id in "${new[@]}"; do
    "${docker[@]}" logs --tail 200 "$id" 2>&1 | while IFS= read -r line; do say "$service | $line"; done
  done
  [ "${#new[@]}" -eq 0 ] || "${docker[@]}" rm --force "${new[@]}" >/dev/null
  open_all; echo "$1" >&2; exit 1
}
# A container is in Docker's DNS before it can answer: free servers get no requests until it can.
[ "${#proxies[@]}" -eq 0 ] || look
for proxy in "${proxies[@]}"; do
  mapfile -t free < <(names "$proxy" ''); order "set weight $proxy/" ' 0' "${free[@]}"
done; send
"$@" up --detach --no-deps --no-build --no-recreate --pull never --scale "$service=$((${#old[@]} + wanted))" \
  "$service" >&2 || problem="could not be started"
new=(); for id in $(ids_of "$service"); do is_old "$id" || new+=("$id"); done
[ -z "${problem-}" ] && [ "${#new[@]}" -eq "$wanted" ] || give_up "${problem:-did not start}"
healthy "$limit" "${new[@]}" || give_up "$reason"
[ "${#proxies[@]}" -gt 0 ] || { stop_and_remove "${old[@]}"; exit 0; }
here=$(addresses "${new[@]}") there=$(addresses "${old[@]}")
for proxy in "${proxies[@]}"; do
  within 15 seen_up "$proxy" "$here" "$wanted" || give_up "is not seen by the ingress on port ${proxy##*_}"
done
weigh "$share" "$wanted" "${#old[@]}"
for proxy in "${proxies[@]}"; do
  mapfile -t to < <(names "$proxy" "$here"); order "set weight $proxy/" " $come" "${to[@]}"
  mapfile -t from < <(names "$proxy" "$there"); order "set weight $proxy/" " $go" "${from[@]}"
done; send
exit 0
"""
)

# $1 service, $2 the release that stays, or that goes if $3 is "back"; $4 containers wanted, $5 how many
# proxies follow, then those. Ends with 10 when there is nothing to go back to.
_END = (
    LIBRARY
    + HEAD
    + r"""
service=$1 release=$2 direction=$3 wanted=$4 count=$5; shift 5
proxies=("${@:1:count}")
mapfile -t every < <(ids_of "$service")
mapfile -t its < <(ids_of "$service" --filter "label=schedgen.release=$release")
its_list=" ${its[*]} " others=()
for id in "${every[@]}"; do case $its_list in *" $id "*) ;; *) others+=("$id") ;; esac; done
# The newest come first: what a killed run left of the same release is too many, and goes.
stay=("${its[@]:0:wanted}") go=("${its[@]:wanted}" "${others[@]}")
[ "$direction" != back ] || { stay=("${others[@]}"); go=("${its[@]}"); }
[ "${#go[@]}" -gt 0 ] || exit 0
[ "${#stay[@]}" -gt 0 ] && verdict "${stay[@]}" || exit 10
here=$(addresses "${stay[@]}") there=$(addresses "${go[@]}") drained=()
look
for proxy in "${proxies[@]}"; do
  mapfile -t to < <(names "$proxy" "$here"); order "set weight $proxy/" ' 100%' "${to[@]}"
  mapfile -t from < <(names "$proxy" "$there"); order "set server $proxy/" ' state drain' "${from[@]}"
  drained+=("${from[@]/#/$proxy/}")
done; send
[ "${#proxies[@]}" -eq 0 ] || echo moved
for proxy in "${proxies[@]}"; do
  within "$drain" idle "$proxy" "$there" || say "requests to $service were still open after ${drain}s"
done
stop_and_remove "${go[@]}"
order 'set server ' ' state ready' "${drained[@]}"; order 'set weight ' ' 100%' "${drained[@]}"
look
for proxy in "${proxies[@]}"; do
  mapfile -t free < <(names "$proxy" ''); order "set weight $proxy/" ' 100%' "${free[@]}"
done; send
exit 0
"""
)

# $1 the folder of the ingress, $2 the release's haproxy.cfg, $3 "repair" or nothing, $4 how many
# `service=containers` follow, then those, then docker compose. Prints `gap MICROSECONDS` when there was one.
# `applied` is the configuration that this was last done for; its first lines tell of the container too.
_INGRESS = (
    LIBRARY
    + HEAD
    + r"""
folder=$1 config=$2 repair=$3 count=$4; shift 4
pairs=("${@:1:count}"); shift "$count"
running() { [ -n "$ingress" ] && case $(state "$ingress") in running*) ;; *) false ;; esac; }
applied() { cp "$config" "$folder/applied"; exit; }
if running && [ -z "$repair" ] && cmp -s "$config" "$folder/applied"; then exit 0; fi
mkdir -p "$folder" && chmod 755 "$folder" && rm -f "$folder/applied" || exit
same=''; ! cmp -s "$config" "$folder/haproxy.cfg" || same=yes
if [ -z "$same" ]; then
  cp "$config" "$folder/.haproxy.cfg" && chmod 644 "$folder/.haproxy.cfg" || exit
  mv -f "$folder/.haproxy.cfg" "$folder/haproxy.cfg" || exit
fi
if running; then
  # What a script that was killed left closed is opened again.
  mapfile -t all < <(ask 'show stat' | awk -F, '$2 ~ /^s[0-9]+$/ { print $1 "/" $2 }')
  order 'set server ' ' state ready' "${all[@]}"; order 'set weight ' ' 100%' "${all[@]}"; send
  before=$ingress
  "$@" up --detach --no-deps --no-build --pull never schedgen-ingress >&2 || exit
  ingress=$(ids_of schedgen-ingress | head -n 1)
  if [ -z "$same" ] && [ "$before" = "$ingress" ]; then
    ask 'show servers state' > "$folder/servers.state"; chmod 644 "$folder/servers.state"
    "${docker[@]}" kill --signal USR2 "$ingress" >/dev/null
    sleep 2; rm -f "$folder/servers.state"
  fi
  applied
fi
old=() scale=() names=() new=()
for pair in "${pairs[@]}"; do
  mapfile -t some < <(ids_of "${pair%=*}"); old+=("${some[@]}")
  names+=("${pair%=*}"); scale+=(--scale "${pair%=*}=$((${#some[@]} + ${pair#*=}))")
done
is_old() { local id; for id in "${old[@]}"; do [ "$id" != "$1" ] || return 0; done; return 1; }
give_up() {
  [ "${#new[@]}" -eq 0 ] || "${docker[@]}" rm --force "${new[@]}" >/dev/null
  [ -z "$ingress" ] || "${docker[@]}" rm --force "$ingress" >/dev/null
  [ "${#old[@]}" -eq 0 ] || "${docker[@]}" start "${old[@]}" >/dev/null
  echo "$1" >&2; exit 1
}
[ "${#names[@]}" -eq 0 ] ||
  "$@" up --detach --no-deps --no-build --no-recreate --pull never "${scale[@]}" "${names[@]}" >&2 ||
  problem="the containers without ports could not be started"
for name in "${names[@]}"; do for id in $(ids_of "$name"); do is_old "$id" || new+=("$id"); done; done
[ -z "${problem-}" ] || give_up "$problem"
healthy "$limit" "${new[@]}" || give_up "$reason"
"$@" up --no-start --no-deps --no-build --pull never schedgen-ingress >&2 || give_up "it was not created"
ingress=$(ids_of schedgen-ingress | head -n 1)
began=${EPOCHREALTIME/[.,]/}
[ "${#old[@]}" -eq 0 ] || "${docker[@]}" stop "${old[@]}" >/dev/null
"${docker[@]}" start "$ingress" >/dev/null || give_up "it could not be started"
answering() { ask 'show stat' | awk -F, '
  $2 == "BACKEND" { some = 1; if ($18 != "UP") bad = 1 } END { exit !some || bad }'; }
[ "${#old[@]}" -eq 0 ] || within 20 answering || give_up "it does not reach the services"
[ "${#old[@]}" -gt 0 ] || applied
echo "gap $((${EPOCHREALTIME/[.,]/} - began))"
"${docker[@]}" rm --force "${old[@]}" >/dev/null
applied
"""
)

_WAIT = 'exec 9>>"$1/roll-$2.lock" && flock --timeout 900 9'


def _alone(state: str, services: Sequence[str], body: str, *args: str) -> Command:
    return script(ALONE, state, " ".join(services), body, *args, title=f"replace {', '.join(services)}")


def _head(compose: Compose, health: int, drain: int) -> tuple[str, ...]:
    docker = compose.docker.words
    return (compose.project, str(health), str(drain), str(len(docker)), *docker)


def beside(
    compose: Compose,
    state: str,
    release: str,
    service: str,
    record: ServiceRecord,
    health: int,
    drain: int,
    share: int = 100,
) -> Command:
    """New containers beside the old ones, healthy before the old ones go.

    Behind the ingress the old ones stay: they get one request in 257, and all of them should the new ones
    die; `end` takes one side away.

    Args:
        state: the folder of our state.
        release: the folder of the release's compose.yaml.
        health: seconds until they must be healthy.
        drain: seconds for requests in flight to end.
        share: percent of the requests that the new ones get; below 100 the old ones get the rest.
    """
    values = (service, str(record.replicas), str(len(record.proxies)), *record.proxies, str(share))
    args = (*_head(compose, health, drain), *values, *compose.words_of(release))
    return _alone(state, (service,), _BESIDE, *args)


def end(
    compose: Compose,
    state: str,
    service: str,
    record: ServiceRecord,
    drain: int,
    *,
    release: str,
    back: bool = False,
) -> Command:
    """The containers of a service that are not of `release` drained and removed, while `release` serves.

    Args:
        back: the other way round: the containers of `release` go, those that were there before serve again.
            Ends with 10 where none of them is there and well.
    """
    direction = "back" if back else ""
    values = (service, release, direction, str(record.replicas), str(len(record.proxies)), *record.proxies)
    return _alone(state, (service,), _END, *_head(compose, 0, drain), *values)


def ingress(
    compose: Compose,
    paths: Paths,
    release: str,
    behind: Mapping[str, ServiceRecord],
    health: int,
    *,
    repair: bool = False,
) -> Command:
    """The ingress as a release has it; if there is none yet, it takes over the ports of `behind`.

    Args:
        release: the folder of the release, with compose.yaml and haproxy.cfg.
        behind: the services behind the ingress.
        repair: whether what a killed run left closed is opened again.
    """
    pairs = [f"{name}={record.replicas}" for name, record in behind.items()]
    values = (
        paths.ingress,
        f"{release}/haproxy.cfg",
        "repair" if repair else "",
        str(len(pairs)),
        *pairs,
    )
    args = (*_head(compose, health, 0), *values, *compose.words_of(release))
    return _alone(paths.state, (*behind, "schedgen-ingress"), _INGRESS, *args)


def finished(state: str, service: str) -> Command:
    """Waits until no script works on a service any more."""
    return script(_WAIT, state, service, title=f"wait for {service}")
