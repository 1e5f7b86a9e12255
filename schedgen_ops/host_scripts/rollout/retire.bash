# Drains and removes the containers of a service that are not of a release, or the other way round; those of the
# other side get all requests. Prints `moved` once they do. Ends with 10 where none of those that are to stay is
# there and well.
#: docker[]  the engine's words
#: project   the compose project
#: service   the service's name
#: proxies[] the ingress's routes that lead to it
#: release   the release whose containers stay
#: back      "yes" where those of the release go instead
#: wanted    how many containers of the release stay
#: drain     seconds for requests in flight to end
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash

find_ingress || exit
find_ids every "$service" && find_ids its "$service" --filter "label=schedgen.release=$release" || exit
its_list=" ${its[*]} " others=()
for id in "${every[@]}"; do case $its_list in *" $id "*) ;; *) others+=("$id") ;; esac done
# The newest come first: what a killed run left of the same release is too many, and goes.
stay=("${its[@]:0:wanted}") go=("${its[@]:wanted}" "${others[@]}")
[ -z "$back" ] || {
  stay=("${others[@]}")
  go=("${its[@]}")
}
[ "${#go[@]}" -gt 0 ] || exit 0
[ "${#stay[@]}" -gt 0 ] || exit 10
verdict "${stay[@]}"
well=$?
[ "$well" -ne 3 ] || {
  echo "$reason" >&2
  exit 1
}
[ "$well" -eq 0 ] || exit 10
"${docker[@]}" update --restart no "${go[@]}" > /dev/null
here=$(addresses "${stay[@]}") there=$(addresses "${go[@]}")
[ "${#proxies[@]}" -eq 0 ] || {
  proxy_drain "$here" "$there" "${proxies[@]}"
  echo moved
}
for proxy in "${proxies[@]}"; do
  within "$drain" proxy_idle "$proxy" "$there"
  case $? in
    0) ;;
    1) say "requests to $service were still open after ${drain}s" ;;
    *) say "the ingress did not tell in ${drain}s whether requests to $service were open" ;;
  esac
done
stop_and_remove "${go[@]}" || exit
[ "${#proxies[@]}" -eq 0 ] || proxy_settle "${proxies[@]}"
exit 0
