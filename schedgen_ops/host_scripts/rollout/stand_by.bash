# Leaves the containers of a service that a release replaced for lib/standby.bash: under a name that nobody looks for, found
# by no name of the service, and without coming back by themselves. On its networks it keeps its connections alive: one that
# was dead for minutes would keep a request waiting once it serves again.
#: docker[]  the engine's words
#: project   the compose project
#: service   the service's name
#: proxies[] the ingress's routes that lead to it
#: release   the release whose containers stay
#: wanted    how many of them
#: drain     seconds for requests in flight to end
source lib/alone_on_services.bash
source lib/sides.bash
source lib/reach.bash
source lib/standby.bash

find_sides || exit
[ "${#go[@]}" -gt 0 ] || exit 0
well_or_end
[ -s "$state/cut/$service" ] || {
  echo "what was replaced of $service is not out of reach" >&2
  exit 1
}
mkdir -p "$state/standby" && printf '%s\n' "$ingress" > "$state/standby/ingress" || exit
for id in "${go[@]}"; do printf '%s %s\n' "$id" "$(restart_policy "$id")" || exit; done > "$state/standby/restart-$service"
"${docker[@]}" update --restart no "${go[@]}" > /dev/null || exit
join_again '' || exit
present "{{.Id}}$at_addresses" "${go[@]}" > "$state/standby/at-$service" || exit
# Without its record nobody lets it be reached again as what a run left that was cut off.
mv -fT "$state/cut/$service" "$state/standby/networks-$service" || exit
for id in "${go[@]}"; do
  name=$("${docker[@]}" inspect --format '{{.Name}}' "$id") && "${docker[@]}" rename "$id" "${name#/}$standby_mark" || exit
done
proxy_settle "${proxies[@]}"
exit 0
