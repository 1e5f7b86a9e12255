# The two sides of a service whose containers are being replaced: what stays and what goes. `service`, `release`, `wanted`,
# `proxies` and `drain` are the caller's.
source lib/rollout.bash
source lib/proxy.bash

# Sets `ingress`, `stay` and `go`; with "back" those that are not of the release stay, and it goes.
find_sides() {
  local every its others=() id
  look_up "$service" "$release" || return
  for id in "${every[@]}"; do case " ${its[*]} " in *" $id "*) ;; *) others+=("$id") ;; esac done
  # The newest come first: what a killed run left of the same release is too many, and goes.
  stay=("${its[@]:0:wanted}") go=("${its[@]:wanted}" "${others[@]}")
  [ -z "${1-}" ] || {
    stay=("${others[@]}")
    go=("${its[@]}")
  }
}
# Ends unless those that are to stay are well: with 10 where one is not, or none is there.
well_or_end() {
  local eager=yes
  [ "${#stay[@]}" -gt 0 ] || exit 10
  verdict "${stay[@]}"
  case $? in
    0) ;;
    3)
      echo "$reason" >&2
      exit 1
      ;;
    *) exit 10 ;;
  esac
}
# Who was out of reach is found anew by the ingress, which may have closed the way to it. `here` and `stay` are the
# caller's.
# shellcheck disable=SC2329 # `within` calls it
seen_again() {
  local proxy
  for proxy in "${proxies[@]}"; do
    proxy_seen_up "$proxy" "$here" "${#stay[@]}" || {
      proxy_drain "$here" '' "${proxies[@]}"
      return 1
    }
  done
}
# The addresses of those that stay into `here`, of those that go into `there`.
find_addresses() {
  local id at
  here='' there=''
  while read -r id at; do
    if is_in "$id" "${stay[@]}"; then here+="$at "; else there+="$at "; fi
  done < <(present "{{.Id}}$at_addresses" "${stay[@]}" "${go[@]}")
}
# Those that stay get all requests, and what goes has `drain` seconds for those that it has begun.
drain_those() {
  local here there proxy
  [ "${#proxies[@]}" -gt 0 ] || return 0
  find_addresses
  proxy_drain "$here" "$there" "${proxies[@]}"
  echo moved
  [ -n "${there// /}" ] || return 0
  for proxy in "${proxies[@]}"; do
    within "$drain" proxy_idle "$proxy" "$there"
    case $? in
      0) ;;
      1) say "requests to $service were still open after ${drain}s" ;;
      *) say "the ingress did not tell in ${drain}s whether requests to $service were open" ;;
    esac
  done
}
