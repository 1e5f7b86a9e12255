"""The script that keeps the ingress as a release has it; the first time it hands the published ports over.

Like those of `scripts`, it is one round trip and ends what it began.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.commands.compose import Compose
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.library import HEAD, LIBRARY, alone, head
from schedgen_ops.shell import Command

# How the script ends where the ports are left without those that had them, or with both.
NOT_BACK = 20
# What a script left that a reboot or the end of the engine cut off. What `stopped` names was stopped for its
# ports; what publishes none and has our label was made by us.
_CUT_OFF = r"""
is_in() { local each wanted=$1; shift; for each; do [ "$each" != "$wanted" ] || return 0; done; return 1; }
# The ids of what was stopped and is still there, into the array `noted`.
what_was_stopped() {
  local said; noted=()
  [ -s "$stopped" ] || return 0
  said=$(present '{{.Id}}' $(< "$stopped")) || return
  mapfile -t noted < <(grep . <<< "$said")
}
# Those of a service that publish ports themselves onto the array `old`, ours without them onto `plain`.
sort_out() {
  local id ports mark said
  find_ids some "$1" || return
  [ "${#some[@]}" -gt 0 ] || return 0
  said=$(present '{{.Id}} {{len .HostConfig.PortBindings}} {{index .Config.Labels "schedgen.release"}}' \
    "${some[@]}") || return
  while read -r id ports mark; do
    if [ "${ports:-0}" -gt 0 ]; then old+=("$id"); elif [ -n "$mark" ]; then plain+=("$id"); fi
  done <<< "$said"
}
# An ingress that is tried out is a one-off container of Compose's: that is how it is known, by no name.
trials() { local oneoff=True; find_ids trial schedgen-ingress; }
end_trials() { local trial; trials && remove "${trial[@]}"; }
all_well() { [ "$#" -eq 0 ] || healthy "$limit" "$@"; }
# Who had the ports has them again, and what was made to come after them goes.
take_back() {
  { [ -z "$ingress" ] || remove "$ingress"; } && end_trials &&
    start_all "${noted[@]}" && all_well "${noted[@]}" && remove "${plain[@]}" || return
  ingress='' plain=(); rm -f "$stopped"
}
"""

# $1 the folder of the ingress, $2 the release's haproxy.cfg, $3 "repair" or nothing, $4 how many
# `service=containers` follow, then those, then docker compose. Prints `gap MICROSECONDS` when there was
# one, and `changed` unless everything was so already.
# `applied` is the configuration that this was last done for; its first lines tell of the container too.
# What was cut off is ended first: with an ingress that answers, who had the ports goes; else they have them
# again, and with "repair" that is all.
_INGRESS = (
    LIBRARY
    + HEAD
    + _CUT_OFF
    + r"""
folder=$1 config=$2 repair=$3 count=$4; shift 4
pairs=("${@:1:count}"); shift "$count"
stopped=${folder%/*}/stopped/ports
runs='' said=''
[ -z "$ingress" ] || said=$(state "$ingress") || {
  echo "Docker does not tell how the ingress is" >&2; exit 1; }
case $said in running*) runs=yes ;; esac
applied() { echo changed; cp "$config" "$folder/applied"; exit; }
answering() { look; awk -F, '
  $2 == "BACKEND" { some = 1; if ($18 != "UP") bad = 1 } END { exit !some || bad }' <<< "$stat"; }
worker() { ask 'show info'; pid=$(sed -n 's/^Pid: //p' <<< "$answer"); }
# Another worker answers than before: it has read what was handed down.
succeeded() { worker; [ -n "$pid" ] && [ "$pid" != "$was" ]; }
hand_down() {
  ask 'show servers state'
  printf '%s\n' "$answer" > "$folder/servers.state"; chmod 644 "$folder/servers.state"; }
# An ingress without ports: it finds everybody, or shows that it cannot, while the ports still answer. The one
# that gets them begins with what this one learned.
try_out() {
  local fine='' trial ingress
  end_trials && "$@" run --detach --no-deps schedgen-ingress >/dev/null && trials && ingress=${trial[0]-} &&
    [ -n "$ingress" ] && within 20 answering && hand_down && fine=yes
  end_trials && [ -n "$fine" ]
}
if [ -n "$runs" ] && [ -z "$repair" ] && cmp -s "$config" "$folder/applied"; then exit 0; fi
mkdir -p "$folder" && chmod 755 "$folder" && rm -f "$folder/applied" || exit
same=''; ! cmp -s "$config" "$folder/haproxy.cfg" || same=yes
if [ -z "$same" ]; then
  cp "$config" "$folder/.haproxy.cfg" && chmod 644 "$folder/.haproxy.cfg" || exit
  durable "$folder/.haproxy.cfg" "$folder/haproxy.cfg" || exit
fi
what_was_stopped || exit
if [ -n "$runs" ] && [ "${#noted[@]}" -gt 0 ]; then
  if within 20 answering; then remove "${noted[@]}" || exit; rm -f "$stopped"; else runs=''; fi
fi
if [ -n "$runs" ]; then
  # What a script that was killed left closed is opened again.
  within 20 look || { echo "the ingress does not answer" >&2; exit 1; }
  mapfile -t all < <(awk -F, '$2 ~ /^s[0-9]+$/ { print $1 "/" $2 }' <<< "$stat")
  order 'set server ' ' state ready' "${all[@]}"; order 'set weight ' ' 100%' "${all[@]}"
  send || { echo "the ingress does not answer" >&2; exit 1; }
  before=$ingress
  "$@" up --detach --no-deps --no-build --pull never schedgen-ingress >&2 || exit
  find_ids gates schedgen-ingress || exit
  ingress=${gates[0]-}
  if [ -z "$same" ] && [ "$before" = "$ingress" ]; then
    hand_down
    worker; was=$pid
    "${docker[@]}" kill --signal USR2 "$ingress" >/dev/null && within 20 succeeded; read_it=$?
    rm -f "$folder/servers.state"
    [ "$read_it" -eq 0 ] || { echo "the ingress did not take its new configuration" >&2; exit 1; }
  fi
  applied
fi
old=() plain=() before=() scale=() names=() new=()
for pair in "${pairs[@]}"; do sort_out "${pair%=*}" || exit; done
if ((${#old[@]} && (${#plain[@]} || ${#noted[@]} || ${#ingress}))); then
  take_back || { echo "${reason:-what a hand-over left could not be taken back}" >&2; exit 20; }
  [ -z "$repair" ] || { echo changed; exit; }
fi
for pair in "${pairs[@]}"; do
  has=0; find_ids some "${pair%=*}" || exit
  for id in "${some[@]}"; do ! is_in "$id" "${old[@]}" || has=$((has + 1)); done
  wanted=$((has + ${pair#*=})); [ "$wanted" -ge "${#some[@]}" ] || wanted=${#some[@]}
  names+=("${pair%=*}") before+=("${some[@]}") scale+=(--scale "${pair%=*}=$wanted")
done
give_up() {
  # What has the ports makes room first.
  { [ -z "$ingress" ] || remove "$ingress"; } && start_all "${old[@]}" && remove "${new[@]}" || {
    echo "$1; and what was stopped does not serve again" >&2; exit 20; }
  rm -f "$stopped"; echo "$1" >&2; exit 1
}
[ "${#names[@]}" -eq 0 ] ||
  "$@" up --detach --no-deps --no-build --no-recreate --pull never "${scale[@]}" "${names[@]}" >&2 ||
  problem="the containers without ports could not be started"
for name in "${names[@]}"; do
  find_ids some "$name" || problem=${problem:-"nothing is known of the containers without ports"}
  for id in "${some[@]}"; do is_in "$id" "${before[@]}" || new+=("$id"); done
done
[ -z "${problem-}" ] || give_up "$problem"
all_well "${new[@]}" "${plain[@]}" || give_up "$reason"
[ "${#old[@]}" -eq 0 ] || try_out "$@" || give_up "it does not reach the services"
"$@" up --no-start --no-deps --no-build --pull never schedgen-ingress >&2 || give_up "it was not created"
find_ids gates schedgen-ingress && ingress=${gates[0]-} && [ -n "$ingress" ] || give_up "it was not created"
[ "${#old[@]}" -eq 0 ] || note_stopped "$stopped" "${old[@]}" ||
  give_up "what is to be stopped could not be noted"
began=${EPOCHREALTIME/[.,]/}
[ "${#old[@]}" -eq 0 ] || "${docker[@]}" stop "${old[@]}" >/dev/null
"${docker[@]}" start "$ingress" >/dev/null || give_up "it could not be started"
[ "${#old[@]}" -eq 0 ] || within 20 answering || give_up "it does not reach the services"
[ "${#old[@]}" -gt 0 ] || applied
echo "gap $((${EPOCHREALTIME/[.,]/} - began))"
rm -f "$folder/servers.state"
remove "${old[@]}" || { echo "the containers that had the ports are still there" >&2; exit 20; }
rm -f "$stopped"
applied
"""
)


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
    args = (*head(compose, health, 0), *values, *compose.words_of(release))
    return alone(paths.state, (*behind, "schedgen-ingress"), _INGRESS, *args)
