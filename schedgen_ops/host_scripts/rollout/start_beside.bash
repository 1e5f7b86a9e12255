# Starts new containers of a service beside the old ones, and waits until their healthcheck passes; without one, until
# the ingress sees them, or they listen where the old ones do. The old ones stand by, and a reboot brings back those
# alone, until the release is promoted. Without an ingress before them, who asks for the service's name finds the new
# ones alone then.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the release's own definition
#: project   the compose project
#: service   the service's name
#: wanted    how many containers it is to have
#: release   the release's folder
#: proxies[] the ingress's routes that lead to it
#: alias     the name that alone leads to its containers, where its own leads to the ingress; else ""
#: share     percent of the requests that the new containers get
#: limit     seconds until they must be healthy
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash
source lib/reach.bash
source lib/more.bash

look_up "$service" || exit
old=("${every[@]}")
[ "${#proxies[@]}" -eq 0 ] || proxy_open
note_listening "${old[@]}"
new=() useless=() asks='' eager=yes
give_up() {
  for id in "${new[@]}"; do
    last_words "$id" 200 | while IFS= read -r line; do say "$service | $line"; done
  done
  join_again names || set -- "$1, and what it was to replace is out of reach"
  remove "${new[@]}" || set -- "$1, and what was started is still there"
  [ "${#proxies[@]}" -eq 0 ] || proxy_admit "${here-}" "${proxies[@]}"
  echo "$1" >&2
  exit 1
}
# A container may be seen before it can answer: it gets no requests until it can.
[ "${#proxies[@]}" -eq 0 ] || proxy_hold "${proxies[@]}"
more "$((${#old[@]} + wanted))" && [ "${#new[@]}" -eq "$wanted" ] || give_up "${problem:-did not start}"
{ restart_policy "${new[0]}" > "$release/restart-$service" &&
  "${docker[@]}" update --restart no "${new[@]}" > /dev/null; } ||
  give_up "could not be kept from coming back after a reboot"
[ "${#proxies[@]}" -eq 0 ] ||
  here=$(addresses "${new[@]}") there=$(addresses "${old[@]}") count=$wanted asks=ingress_sees
healthy "$limit" "${new[@]}" || give_up "$reason"
if [ "${#proxies[@]}" -eq 0 ]; then
  find_reachable "${old[@]}"
  cut_off names "${reachable[@]}" || give_up "is not found alone by its name"
else
  # What is healthy by its own check is seen at once, or never: at another port.
  within 15 ingress_sees || give_up "$reason"
  proxy_weigh "$share" "$here" "$wanted" "$there" "${#old[@]}" "${proxies[@]}" ||
    give_up "gets no requests: the ingress does not answer"
  if [ -n "$alias" ]; then
    find_called "${old[@]}"
    [ "${#called[@]}" -eq 0 ] || cut_off "$alias" "${called[@]}" ||
      give_up "is not found by its name at the ingress alone"
  fi
fi
# What could not serve does not stand by.
for id in "${old[@]}"; do
  verdict "$id"
  [ $? -ne 2 ] || useless+=("$id")
done
stop_and_remove "${useless[@]}"
