# Brings a service to another number of containers. New ones get requests once they are healthy, those that go get
# none any more before they end. Prints `more COUNT` or `fewer COUNT` for what it did.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the serving release's own definition
#: project   the compose project
#: service   the service's name
#: wanted    how many containers it is to have
#: proxies[] the ingress's routes that lead to it
#: alias     the name that alone leads to its containers, where its own leads to the ingress; else ""
#: limit     seconds until new ones must be healthy
#: drain     seconds for requests in flight to end
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash
source lib/more.bash

look_up "$service" || exit
old=("${every[@]}")
[ "${#proxies[@]}" -eq 0 ] || proxy_open
# The containers at the addresses $1 get requests, and who comes.
admit() { [ "${#proxies[@]}" -eq 0 ] || proxy_admit "$1" "${proxies[@]}"; }
if [ "${#old[@]}" -lt "$wanted" ]; then
  asks=''
  note_listening "${old[@]}"
  # A container may be seen before it can answer.
  [ "${#proxies[@]}" -eq 0 ] || proxy_hold "${proxies[@]}"
  more "$wanted" || reason=$problem
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
