# Keeps the ingress as a release has it; the first time it hands the published ports over, and where another container has
# to be it, to that one. Prints `detour` where new connections went on meanwhile, and else `gap MICROSECONDS` where there
# was one; and `changed` unless everything was so already; `say TEXT` is for the operator.
# Ends with 20 where the ports are left without those that had them, or with both.
# What a script left that a reboot or the end of the engine cut off is ended first: with an ingress that answers,
# who had the ports goes; else they have them again, and with `repair` that is all. What `stopped/ports` names was
# stopped for its ports; what publishes none and has our label was made by us.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the release's own definition
#: project   the compose project
#: folder    the folder of the ingress
#: config    the release's configuration of the ingress
#: repair    "yes" where what a killed run left closed is to be opened again
#: pairs[]   the services behind it, SERVICE=CONTAINERS
#: limit     seconds until a container must be healthy
#: drain     seconds for requests in flight to end
#: checks[]  what is asked of who has the ports before they change hands: SECONDS STATUS URL each
source lib/alone_on_services.bash
source lib/handover.bash
source lib/maintenance.bash

find_ingress || exit
stopped=${folder%/*}/stopped/ports detour_noted=${folder%/*}/detour
config_name=${config##*/}
runs='' said=''
[ -z "$ingress" ] || said=$(state "$ingress") || {
  echo "Docker does not tell how the ingress is" >&2
  exit 1
}
case $said in running*) runs=yes ;; esac
# `applied` is the configuration that all this was last done for; its first lines tell of the container too.
applied() {
  echo changed
  ! keep_away || cp "$config" "$folder/applied"
  exit
}
# Whether Compose leaves the ingress's container as it is.
as_defined() {
  local wanted has
  wanted=$("${compose[@]}" config --hash schedgen-ingress) &&
    has=$(present '{{index .Config.Labels "com.docker.compose.config-hash"}}' "$ingress") || return 0
  [ "${wanted##* }" = "$has" ]
}
# Another container is the ingress from now on; it is the first that has the ports, for those who ask for them anew, once
# this one let go of them.
exchange() {
  local began='' old=("$ingress") reason=''
  mapfile -t serving < <(proxy_serving)
  if [ "${#serving[@]}" -gt 0 ]; then
    if try_out && detour; then
      echo detour
      let_end "$drain" "$ingress"
    else
      say "the published ports could not be led past this: $reason"
      end_trials || exit
      began=${EPOCHREALTIME/[.,]/}
    fi
  fi
  "${compose[@]}" up --detach --no-deps --no-build --pull never schedgen-ingress >&2 || exit
  find_ingress || exit
  # Until then who comes is led past it, and what takes this back exchanges it again.
  [ "${#serving[@]}" -eq 0 ] || within 20 proxy_answering "${serving[@]}" || {
    echo "another ingress does not reach all that this one did" >&2
    exit 1
  }
  [ -z "$began" ] || echo "gap $((${EPOCHREALTIME/[.,]/} - began))"
  proxy_forget
  end_tries || say "what led past the exchange is still there"
}
if [ -n "$runs" ] && [ -z "$repair" ] && cmp -s "$config" "$folder/applied"; then
  keep_away
  exit 0
fi
mkdir -p "$folder" && chmod 755 "$folder" && rm -f "$folder/applied" || exit
proxy_prepare || exit
same=''
! cmp -s "$config" "$folder/$config_name" || same=yes
if [ -z "$same" ]; then
  cp "$config" "$folder/.$config_name" && chmod 644 "$folder/.$config_name" || exit
  durable "$folder/.$config_name" "$folder/$config_name" || exit
fi
what_was_stopped || exit
if [ -n "$runs" ] && [ "${#noted[@]}" -gt 0 ]; then
  if within 20 proxy_answering; then
    remove "${noted[@]}" || exit
    rm -f "$stopped"
  else runs=''; fi
fi
if [ -n "$runs" ]; then
  # One that was tried out may have been left without anything that leads there.
  end_tries || exit
  proxy_reopen || {
    echo "the ingress does not answer" >&2
    exit 1
  }
  before=$ingress
  if [ -n "$same" ] || as_defined; then
    "${compose[@]}" up --detach --no-deps --no-build --pull never schedgen-ingress >&2 || exit
    find_ingress || exit
  else exchange; fi
  if [ -z "$same" ] && [ "$before" = "$ingress" ]; then
    proxy_reload || {
      echo "the ingress did not take its new configuration" >&2
      exit 1
    }
  fi
  applied
fi
old=() plain=() before=() scale=() names=() new=()
for pair in "${pairs[@]}"; do sort_out "${pair%=*}" || exit; done
if ((${#old[@]} && (${#plain[@]} || ${#noted[@]} || ${#ingress}))); then
  take_back || {
    echo "${reason:-what a hand-over left could not be taken back}" >&2
    exit 20
  }
  [ -z "$repair" ] || {
    echo changed
    exit
  }
fi
for pair in "${pairs[@]}"; do
  has=0
  find_ids some "${pair%=*}" || exit
  for id in "${some[@]}"; do ! is_in "$id" "${old[@]}" || has=$((has + 1)); done
  wanted=$((has + ${pair#*=}))
  [ "$wanted" -ge "${#some[@]}" ] || wanted=${#some[@]}
  names+=("${pair%=*}") before+=("${some[@]}") scale+=(--scale "${pair%=*}=$wanted")
done
give_up() {
  # What has the ports makes room first.
  { { [ -z "$ingress" ] || remove "$ingress"; } && start_all "${old[@]}" &&
    { [ ! -e "$detour_noted" ] || all_well "${old[@]}"; } && end_tries && remove "${new[@]}"; } || {
    echo "$1; and what was stopped does not serve again" >&2
    exit 20
  }
  rm -f "$stopped"
  echo "$1" >&2
  exit 1
}
[ "${#names[@]}" -eq 0 ] ||
  "${compose[@]}" up --detach --no-deps --no-build --no-recreate --pull never "${scale[@]}" "${names[@]}" >&2 ||
  problem="the containers without ports could not be started"
for name in "${names[@]}"; do
  find_ids some "$name" || problem=${problem:-"nothing is known of the containers without ports"}
  for id in "${some[@]}"; do is_in "$id" "${before[@]}" || new+=("$id"); done
done
[ -z "${problem-}" ] || give_up "$problem"
# Whatever a port leads to listens.
listened=any
all_well "${new[@]}" "${plain[@]}" || unwell
"${compose[@]}" up --no-start --no-deps --no-build --pull never schedgen-ingress >&2 ||
  give_up "it was not created"
find_ingress && [ -n "$ingress" ] || give_up "it was not created"
if [ "${#old[@]}" -eq 0 ]; then
  "${docker[@]}" start "$ingress" > /dev/null || give_up "it could not be started"
  # An exchange may have been cut off: who comes is led past this one until it answers.
  [ ! -e "$detour_noted" ] || { within 20 proxy_answering && end_tries; } ||
    say "what led past an exchange is still there"
  applied
fi
try_out "${new[@]}" "${plain[@]}" || unwell
gets_through "${checks[@]}" || give_up "$reason"
note_stopped "$stopped" "${old[@]}" || give_up "what is to be stopped could not be noted"
if detour; then
  echo detour
  let_end "$drain" "${old[@]}"
else
  say "the published ports could not be led past this: $reason"
fi
began=${EPOCHREALTIME/[.,]/}
"${docker[@]}" stop "${old[@]}" > /dev/null
"${docker[@]}" start "$ingress" > /dev/null || give_up "it could not be started"
within 20 proxy_answering || give_up "it does not reach the services"
[ -e "$detour_noted" ] || echo "gap $((${EPOCHREALTIME/[.,]/} - began))"
proxy_forget
remove "${old[@]}" || {
  echo "the containers that had the ports are still there" >&2
  exit 20
}
rm -f "$stopped"
end_tries || say "what led past the hand-over is still there"
applied
