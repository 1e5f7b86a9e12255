# Puts what a release replaced out of reach: by its ports, by its names and at its addresses. It goes on running, until
# `retire` removes it or lets it serve again. Ends with 10 where those that are to serve are not there and well.
#: docker[]  the engine's words
#: project   the compose project
#: service   the service's name
#: proxies[] the ingress's routes that lead to it
#: release   the release whose containers stay
#: wanted    how many of them
#: drain     seconds for requests in flight to end
#: how       "names" where it is only found by its names no more; else ""
source lib/alone_on_services.bash
source lib/sides.bash
source lib/reach.bash

find_sides || exit
[ "${#go[@]}" -gt 0 ] || exit 0
well_or_end
find_reachable "${go[@]}"
[ -n "$how" ] || drain_those
cut_off "$how" "${reachable[@]}"
