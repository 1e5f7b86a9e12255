# Brings a service to another number of containers. New ones get requests once they are healthy, those that go get
# none any more before they end. Prints `more COUNT` or `fewer COUNT` for what it did.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the serving release's own definition
#: project   the compose project
#: service   the service's name
#: wanted    how many containers it is to have
#: proxies[] the ingress's routes that lead to it
#: limit     seconds until new ones must be healthy
#: drain     seconds for requests in flight to end
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash

find_ingress && find_ids old "$service" || exit
[ "${#proxies[@]}" -eq 0 ] || proxy_open
# The containers at the addresses $1 get requests, and who comes.
admit() { [ "${#proxies[@]}" -eq 0 ] || proxy_admit "$1" "${proxies[@]}"; }
if [ "${#old[@]}" -lt "$wanted" ]; then
  new=() asks=''
  note_listening "${old[@]}"
  # A container may be seen before it can answer.
  [ "${#proxies[@]}" -eq 0 ] || proxy_hold "${proxies[@]}"
  "${compose[@]}" up --detach --no-deps --no-build --no-recreate --pull never --scale "$service=$wanted" "$service" >&2 ||
    reason="could not be started"
  find_ids every "$service" || exit
  for id in "${every[@]}"; do is_old "$id" || new+=("$id"); done
  [ "${#proxies[@]}" -eq 0 ] || here=$(addresses "${new[@]}") count=${#new[@]} asks=ingress_sees
  if [ -n "${reason-}" ] || [ "${#new[@]}" -eq 0 ] || ! healthy "$limit" "${new[@]}"; then
    remove "${new[@]}"
    admit ''
    echo "${reason:-none was started}" >&2
    exit 1
  fi
  admit "$(addresses "${new[@]}")"
  here=$(addresses "${old[@]}" "${new[@]}") count=$wanted
  within 30 ingress_sees || {
    echo "the ingress does not see all of them up" >&2
    exit 1
  }
  echo "more ${#new[@]}"
elif [ "${#old[@]}" -gt "$wanted" ]; then
  # The newest come first.
  go=("${old[@]:0:${#old[@]}-wanted}")
  here=$(addresses "${old[@]:${#go[@]}}") there=$(addresses "${go[@]}")
  [ "${#proxies[@]}" -eq 0 ] || proxy_drain "$here" "$there" "${proxies[@]}"
  for proxy in "${proxies[@]}"; do within "$drain" proxy_idle "$proxy" "$there"; done
  stop_and_remove "${go[@]}" || exit
  [ "${#proxies[@]}" -eq 0 ] || proxy_settle "${proxies[@]}"
  echo "fewer ${#go[@]}"
fi
exit 0
