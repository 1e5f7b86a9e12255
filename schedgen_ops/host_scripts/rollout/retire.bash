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
source lib/sides.bash
source lib/reach.bash

find_sides "$back" || exit
[ -z "$back" ] || join_again names || exit
[ "${#go[@]}" -gt 0 ] || exit 0
well_or_end
"${docker[@]}" update --restart no "${go[@]}" > /dev/null
if [ -n "$back" ] && [ "${#proxies[@]}" -gt 0 ]; then
  here=$(addresses "${stay[@]}")
  within 15 seen_again || exit 10
fi
drain_those
# What was cut off ends what it had begun.
[ -n "$back" ] || join_again ''
stop_and_remove "${go[@]}" || exit
forget_networks
[ "${#proxies[@]}" -eq 0 ] || proxy_settle "${proxies[@]}"
exit 0
