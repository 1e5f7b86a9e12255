# More containers of a service, beside those that are there: `docker`, `compose`, `service` and `alias`, a name of ours or "",
# are the caller's.
source lib/rollout.bash
source lib/reach.bash

# more COUNT: so many are there in the end; the new ones, into the array `new`, were not among `old`. With an `alias` they
# are found by that alone: who asks for the service's name is answered by the ingress.
problem=''
more() {
  local id how=--detach
  [ -z "$alias" ] || how=--no-start
  new=()
  "${compose[@]}" up "$how" --no-deps --no-build --no-recreate --pull never --scale "$service=$1" "$service" >&2 ||
    problem="could not be started"
  find_ids every "$service" || {
    problem="started, and nothing is known of it"
    return 1
  }
  for id in "${every[@]}"; do is_old "$id" || new+=("$id"); done
  if [ -n "$alias" ] && [ "${#new[@]}" -gt 0 ]; then
    only_known_as "${new[@]}" && "${docker[@]}" start "${new[@]}" > /dev/null ||
      problem=${problem:-"could not be started under a name of ours alone"}
  fi
  [ -z "${problem-}" ]
}
# Of containers that were never started.
only_known_as() {
  local rows id network
  rows=$(networks_of "$@") || return
  while read -r id network _; do
    [ -n "$id" ] || continue
    "${docker[@]}" network disconnect "$network" "$id" &&
      "${docker[@]}" network connect --alias "$alias" "$network" "$id" || return
  done <<< "$rows"
}
# find_called CONTAINER...: those that are found by another name than `alias` too, into the array `called`.
find_called() {
  local rows row id name names
  called=()
  mapfile -t rows < <(networks_of "$@")
  for row in "${rows[@]}"; do
    read -r id _ _ names <<< "$row"
    for name in $names; do
      case $id in "$name"*) continue ;; esac
      [ "$name" = "$alias" ] || is_in "$id" "${called[@]}" || called+=("$id")
    done
  done
}
