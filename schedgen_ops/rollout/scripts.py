"""What replaces a service's containers on the host: each script is one round trip, and ends what it began.

A script goes on when the connection dies, and puts everything in order whatever happens, so that a host is
never left between two releases of a service. Its lines for us are `say TEXT`, `moved` once requests go to
those that stay, and `ended MICROSECONDS`: how long the old containers took to end what they had begun.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ServiceRecord, to_json
from schedgen_ops.rollout.library import HEAD, LIBRARY, alone, head
from schedgen_ops.shell import Command, script

ALL = 101

# $1 service, $2 containers wanted, $3 the release's folder, $4 how many proxies follow, then those, then the
# share of the requests that the new containers get (in percent), then docker compose. Behind the ingress a
# reboot brings back the old containers alone, until `promote`.
_BESIDE = (
    LIBRARY
    + HEAD
    + r"""
service=$1 wanted=$2 release=$3 count=$4; shift 4
proxies=("${@:1:count}"); shift "$count"
share=$1; shift
[ "${#proxies[@]}" -eq 0 ] || open_api
find_ids old "$service" || exit
open_all() { [ "${#proxies[@]}" -gt 0 ] || return 0
look; for proxy in "${proxies[@]}"; do
  mapfile -t all < <(names "$proxy" ''; names "$proxy" "${here-}")
  order "set weight $proxy/" ' 100%' "${all[@]}"
done; send; }
give_up() {
  for id in "${new[@]}"; do
    last_words "$id" 200 | while IFS= read -r line; do say "$service | $line"; done
  done
  remove "${new[@]}" || set -- "$1, and what was started is still there"
  open_all; echo "$1" >&2; exit 1
}
# A container is in Docker's DNS before it can answer: free servers get no requests until it can.
[ "${#proxies[@]}" -eq 0 ] || look
for proxy in "${proxies[@]}"; do
  mapfile -t free < <(names "$proxy" ''); order "set weight $proxy/" ' 0' "${free[@]}"
done; send
"$@" up --detach --no-deps --no-build --no-recreate --pull never --scale "$service=$((${#old[@]} + wanted))" \
  "$service" >&2 || problem="could not be started"
new=(); find_ids every "$service" || give_up "started, and nothing is known of it"
for id in "${every[@]}"; do is_old "$id" || new+=("$id"); done
[ -z "${problem-}" ] && [ "${#new[@]}" -eq "$wanted" ] || give_up "${problem:-did not start}"
if [ "${#proxies[@]}" -gt 0 ]; then
  restart_policy "${new[0]}" > "$release/restart-$service" &&
    "${docker[@]}" update --restart no "${new[@]}" >/dev/null ||
    give_up "could not be kept from coming back after a reboot"
  here=$(addresses "${new[@]}") there=$(addresses "${old[@]}")
fi
healthy "$limit" "${new[@]}" || give_up "$reason"
[ "${#proxies[@]}" -gt 0 ] || {
  begun=${EPOCHREALTIME/[.,]/}; stop_and_remove "${old[@]}" || exit
  echo "ended $((${EPOCHREALTIME/[.,]/} - begun))"
  exit 0; }
for proxy in "${proxies[@]}"; do
  within 15 seen_up "$proxy" "$here" "$wanted" || give_up "is not seen by the ingress on port ${proxy##*_}"
done
weigh "$share" "$wanted" "${#old[@]}"
for proxy in "${proxies[@]}"; do
  mapfile -t to < <(names "$proxy" "$here"); order "set weight $proxy/" " $come" "${to[@]}"
  mapfile -t from < <(names "$proxy" "$there"); order "set weight $proxy/" " $go" "${from[@]}"
done; send || give_up "gets no requests: the ingress does not answer"
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
find_ids every "$service" && find_ids its "$service" --filter "label=schedgen.release=$release" || exit
its_list=" ${its[*]} " others=()
for id in "${every[@]}"; do case $its_list in *" $id "*) ;; *) others+=("$id") ;; esac; done
# The newest come first: what a killed run left of the same release is too many, and goes.
stay=("${its[@]:0:wanted}") go=("${its[@]:wanted}" "${others[@]}")
[ "$direction" != back ] || { stay=("${others[@]}"); go=("${its[@]}"); }
[ "${#go[@]}" -gt 0 ] || exit 0
[ "${#stay[@]}" -gt 0 ] || exit 10
verdict "${stay[@]}"; well=$?
[ "$well" -ne 3 ] || { echo "$reason" >&2; exit 1; }
[ "$well" -eq 0 ] || exit 10
"${docker[@]}" update --restart no "${go[@]}" >/dev/null
here=$(addresses "${stay[@]}") there=$(addresses "${go[@]}") drained=()
look
for proxy in "${proxies[@]}"; do
  mapfile -t to < <(names "$proxy" "$here"); order "set weight $proxy/" ' 100%' "${to[@]}"
  mapfile -t from < <(names "$proxy" "$there"); order "set server $proxy/" ' state drain' "${from[@]}"
  drained+=("${from[@]/#/$proxy/}")
done; send
[ "${#proxies[@]}" -eq 0 ] || echo moved
for proxy in "${proxies[@]}"; do
  within "$drain" idle "$proxy" "$there" || { [ -z "$stat" ] &&
    say "the ingress did not tell in ${drain}s whether requests to $service were open" ||
    say "requests to $service were still open after ${drain}s"; }
done
stop_and_remove "${go[@]}" || exit
order 'set server ' ' state ready' "${drained[@]}"; order 'set weight ' ' 100%' "${drained[@]}"
look
for proxy in "${proxies[@]}"; do
  mapfile -t free < <(names "$proxy" ''); order "set weight $proxy/" ' 100%' "${free[@]}"
done; send
exit 0
"""
)

# $1 the file that names what serves, $2 the release, $3 its folder, $4 the bytes of its record on stdin, ""
# for none, or "beside" where it is beside its place already; then services. What a reboot brings back, the
# record, and what is said to serve change in one go.
_SERVE = (
    LIBRARY
    + HEAD
    + r"""
current=$1 release=$2 folder=$3 size=$4; shift 4
case $size in
  '') ;;
  beside) [ -s "$folder/.release.json" ] || exit ;;
  *) arrived "$folder/.release.json" "$size" || exit ;;
esac
printf '%s\n' "$release" > "$current.new" || exit
# What `current` names is on the disk before it is named.
shopt -s nullglob dotglob
sync -- "$current.new" "$folder" "$folder"/* || exit
for service in "$@"; do
  [ -e "$folder/restart-$service" ] || continue
  find_ids its "$service" --filter "label=schedgen.release=$release" || exit
  [ "${#its[@]}" -eq 0 ] ||
    "${docker[@]}" update --restart "$(cat "$folder/restart-$service")" "${its[@]}" >/dev/null || exit
done
[ -z "$size" ] || mv -fT -- "$folder/.release.json" "$folder/release.json" || exit
mv -fT -- "$current.new" "$current" && lasting "$folder" "${current%/*}"
"""
)

# Containers that were told to start.
_WELL = (
    LIBRARY
    + HEAD
    + r"""
healthy "$limit" "$@" || { echo "$reason" >&2; exit 1; }
"""
)

_WAIT = 'exec 9>>"$1/roll-$2.lock" && flock --timeout "$3" 9'


def start_beside(
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
    die; `retire` takes one side away.

    Args:
        state: the folder of our state.
        release: the folder of the release's compose.yaml.
        health: seconds until they must be healthy.
        drain: seconds for requests in flight to end.
        share: percent of the requests that the new ones get; below 100 the old ones get the rest. With 100
            they stand by, with ALL they get nothing, not even should the new ones die.
    """
    proxies = (str(len(record.proxies)), *record.proxies)
    values = (service, str(record.replicas), release, *proxies, str(share))
    args = (*head(compose, health, drain), *values, *compose.words_of(release))
    return alone(state, (service,), _BESIDE, *args)


def retire(
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
    return alone(state, (service,), _END, *head(compose, 0, drain), *values)


def promote(
    compose: Compose,
    paths: Paths,
    release: str,
    services: Sequence[str],
    record: Release | None = None,
    *,
    beside: bool = False,
) -> Command:
    """`release` is the one that serves, and the one that a reboot brings back.

    Args:
        services: those behind the ingress that it replaced.
        record: what its record says from now on; None leaves it.
        beside: whether the record is on the host already, beside its place.
    """
    text = to_json(record).encode() if record else b""
    size = "beside" if beside else str(len(text) or "")
    values = (paths.current, release, paths.release(release), size, *services)
    command = alone(paths.state, services, _SERVE, *head(compose, 0, 0), *values, title="serve")
    return command.with_stdin(text) if record else command


def finished(state: str, service: str, patience: float = 900) -> Command:
    """Waits until no script works on a service any more, at most so many seconds."""
    return script(_WAIT, state, service, f"{patience:.0f}", title=f"wait for {service}")


def well(compose: Compose, containers: Sequence[str], health: int) -> Command:
    """Waits until containers are well, at most `health` seconds; ends with an error as soon as one is not."""
    return script(_WELL, *head(compose, health, 0), *containers, title="wait until all is well")
