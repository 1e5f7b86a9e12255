# Takes the ingress away: containers as the owner's definition has them get the published ports back, those behind it go.
# Prints `detour` where new connections went on meanwhile, else `gap MICROSECONDS`; `say TEXT` is for the operator. Ends
# with 10 where no ingress runs, with 11 where visitors are turned away, with 20 where the ports are left to nobody.
# One that was cut off is ended by lib/handover.bash, which finds in `stopped/ports` who is to have the ports.
#: docker[]   the engine's words
#: compose[]  `docker compose` with the options for the release's own definition
#: owner[]    `docker compose` with the options for the definition as its owner wrote it
#: project    the compose project
#: folder     the folder of the ingress
#: behind[]   the services behind it
#: routes[]   those that lead to them
#: limit      seconds until a container must be healthy
source lib/alone_on_services.bash
source lib/handover.bash

find_ingress || exit
stopped=${folder%/*}/stopped/ports detour_noted=${folder%/*}/detour
{ [ -n "$ingress" ] && [[ $(state "$ingress") == running* ]]; } || exit 10
[ ! -s "$folder/closed" ] || exit 11
old=() plain=()
for name in "${behind[@]}"; do sort_out "$name" || exit; done
# What publishes ports beside an ingress, and does not run, was made by a run that was cut off before they changed hands.
if [ "${#old[@]}" -gt 0 ]; then
  said=$(state "${old[@]}") || exit
  case $'\n'$said in *$'\n'running*)
    echo "a container of ${behind[*]} runs that publishes ports itself, beside the ingress" >&2
    exit 1
    ;;
  esac
fi
{ remove "${old[@]}" && end_tries && rm -f "$stopped"; } || exit
listened=any new=() scale=()
for name in "${behind[@]}"; do
  find_ids some "$name" || exit
  before+=("${some[@]}") scale+=(--scale "$name=$((${#some[@]} + 1))")
done
# The ingress, and those behind it, are not touched before the others are well.
give_up() {
  { stop_those && { [ ! -e "$detour_noted" ] || within 20 proxy_answering; } && end_tries && remove "${new[@]}"; } || {
    echo "$1; and the ingress does not serve again" >&2
    exit 20
  }
  rm -f "$stopped"
  proxy_forget
  echo "$1" >&2
  exit 1
}
stop_those() {
  [ "${#new[@]}" -eq 0 ] || "${docker[@]}" stop "${new[@]}" > /dev/null || return
  start_all "$ingress"
}
# Who comes from now on has ports of its own.
hold_trial() {
  local ingress=$trial
  proxy_hold "${routes[@]}"
}
images() { [ "$#" -eq 0 ] || present '{{.Image}}' "$@" | sort -u; }

all_well "${plain[@]}" || give_up "$reason"
"${owner[@]}" up --no-start --no-deps --no-build --no-recreate --pull never "${scale[@]}" "${behind[@]}" >&2 ||
  problem="the containers with ports could not be created"
for name in "${behind[@]}"; do
  find_ids some "$name" || problem=${problem:-"nothing is known of the containers with ports"}
  mine=() theirs=()
  for id in "${some[@]}"; do
    if is_in "$id" "${before[@]}"; then mine+=("$id"); else theirs+=("$id"); fi
  done
  new+=("${theirs[@]}")
  [ "$(images "${mine[@]}")" = "$(images "${theirs[@]}")" ] ||
    problem=${problem:-"the image that the compose file names for $name is not the one that serves"}
done
[ -z "${problem-}" ] || give_up "$problem"
old=("$ingress")
try_out "${plain[@]}" || give_up "$reason"
hold_trial || give_up "the ingress does not answer"
note_stopped "$stopped" "${new[@]}" || give_up "what is to have the ports could not be noted"
patience=1
if detour; then
  echo detour
  patience=60
else
  say "the published ports could not be led past this: $reason"
fi
began=${EPOCHREALTIME/[.,]/}
"${docker[@]}" stop --time "$patience" "$ingress" > /dev/null || give_up "the ingress could not be stopped"
start_all "${new[@]}" || give_up "the containers with ports could not be started"
all_well "${new[@]}" || unwell
[ -e "$detour_noted" ] || echo "gap $((${EPOCHREALTIME/[.,]/} - began))"
end_tries || say "what led past the hand-over is still there"
rm -f "$folder/applied"
proxy_forget
{ remove "$ingress" && stop_and_remove "${plain[@]}"; } || {
  echo "the ingress, or what was behind it, is still there" >&2
  exit 20
}
rm -f "$stopped"
exit 0
