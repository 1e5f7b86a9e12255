# Brings a service to another number of containers. New ones get requests once they are healthy, those that go get
# none any more before they end. Prints `more COUNT` or `fewer COUNT` for what it did.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the serving release's own definition
#: project   the compose project
#: service   the service's name
#: wanted    how many containers it is to have
#: proxies[] the ingress's backends that lead to it
#: limit     seconds until new ones must be healthy
#: drain     seconds for requests in flight to end
source lib/alone_on_services.bash
source lib/rollout.bash

find_ingress && find_ids old "$service" || exit
[ "${#proxies[@]}" -eq 0 ] || open_api
# $1 for all servers of the ingress that lead to no container, and for those at the addresses $2.
weights() {
  local proxy free
  [ "${#proxies[@]}" -gt 0 ] || return 0
  look
  for proxy in "${proxies[@]}"; do
    mapfile -t free < <(
      names "$proxy" ''
      names "$proxy" "${2-}"
    )
    order "set weight $proxy/" " $1" "${free[@]}"
  done
  send
}
if [ "${#old[@]}" -lt "$wanted" ]; then
  new=()
  # A container is in Docker's DNS before it can answer.
  weights 0
  "${compose[@]}" up --detach --no-deps --no-build --no-recreate --pull never --scale "$service=$wanted" "$service" >&2 ||
    reason="could not be started"
  find_ids every "$service" || exit
  for id in "${every[@]}"; do is_old "$id" || new+=("$id"); done
  if [ -n "${reason-}" ] || [ "${#new[@]}" -eq 0 ] || ! healthy "$limit" "${new[@]}"; then
    remove "${new[@]}"
    weights 100%
    echo "${reason:-none was started}" >&2
    exit 1
  fi
  weights 100% "$(addresses "${new[@]}")"
  here=$(addresses "${old[@]}" "${new[@]}")
  for proxy in "${proxies[@]}"; do
    within 30 seen_up "$proxy" "$here" "$wanted" || {
      echo "the ingress does not see all of them up" >&2
      exit 1
    }
  done
  echo "more ${#new[@]}"
elif [ "${#old[@]}" -gt "$wanted" ]; then
  # The newest come first.
  go=("${old[@]:0:${#old[@]}-wanted}") drained=()
  there=$(addresses "${go[@]}")
  [ "${#proxies[@]}" -eq 0 ] || look
  for proxy in "${proxies[@]}"; do
    mapfile -t from < <(names "$proxy" "$there")
    order "set server $proxy/" ' state drain' "${from[@]}"
    drained+=("${from[@]/#/$proxy/}")
  done
  send
  for proxy in "${proxies[@]}"; do within "$drain" idle "$proxy" "$there"; done
  stop_and_remove "${go[@]}" || exit
  order 'set server ' ' state ready' "${drained[@]}"
  send
  echo "fewer ${#go[@]}"
fi
exit 0
