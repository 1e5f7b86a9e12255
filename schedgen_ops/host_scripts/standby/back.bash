# What stands by serves again, of all services at the same time. First it gets all requests that come to the ingress, which
# is told to look for it: `moved SERVICE` is printed for each then. After that it has its names again, and Docker is
# waited for to call it well. Ends with 1 where one is not there or the ingress does not see it, and has changed nothing
# then; or where not all of the rest could be done: then it is beside the newer ones as after a run that was cut off.
#: docker[] the engine's words
#: project  the compose project
#: standing[] the services of which something stands by
#: pairs[]  the ingress's routes that lead to them, SERVICE=ROUTE
#: limit    seconds until they must be well
source lib/alone_on_services.bash
source lib/sides.bash
source lib/reach.bash
source lib/standby.bash

standby_alone && [ -e "$state/standby/release" ] || {
  echo "nothing stands by any more" >&2
  exit 1
}
# What Docker is asked takes its time on a busy host, so that all is noted. The ingress may have been exchanged since.
ingress=$(cat "$state/standby/ingress" 2> /dev/null)
[ -n "$ingress" ] || find_ingress || exit
[ -z "$ingress" ] || proxy_open
# Of each service: its routes; the ids of what stays, its addresses; a space between them.
declare -A routes_of=() staying=() here_of=()
for pair in "${pairs[@]}"; do routes_of[${pair%%=*}]+="${pair#*=} "; done
# Docker gives each container a name on its networks that is the beginning of its id.
declare -A names_of=()
for each in "${standing[@]}"; do
  while read -r id address; do
    staying[$each]+="$id " here_of[$each]+="$address " names_of[$each]+="${id:0:12} "
  done < "$state/standby/at-$each" || exit
done
# Servers that looked for one of them have to get requests again whatever they find next, and so has what goes.
give_up() {
  local each
  proxy_dismiss
  # shellcheck disable=SC2086 # a list of routes
  for each in "${standing[@]}"; do proxy_admit '*' ${routes_of[$each]}; done
  echo "$1" >&2
  exit 1
}
for each in "${standing[@]}"; do
  # shellcheck disable=SC2086 # a list of routes
  proxy_invite "${names_of[$each]}" ${routes_of[$each]} ||
    { find_ingress && proxy_invite "${names_of[$each]}" ${routes_of[$each]}; } ||
    give_up "the ingress does not look for what stood by of $each"
done
# Whether the ingress sees all of them; else `each` is one that it does not.
# shellcheck disable=SC2329 # `within` calls it
all_seen() {
  local route ids
  for each in "${standing[@]}"; do
    read -ra ids <<< "${staying[$each]}"
    for route in ${routes_of[$each]}; do proxy_seen_up "$route" "${here_of[$each]}" "${#ids[@]}" || return; done
  done
}
# Those that go get SHARE, 101 for nothing at all.
weigh() {
  local each
  for each in "${standing[@]}"; do
    # shellcheck disable=SC2086 # a list of routes
    proxy_weigh "$1" "${here_of[$each]}" '' '*' '' ${routes_of[$each]} || return
  done
}
within 15 all_seen || give_up "the ingress does not see what stood by of $each"
weigh 101 || give_up "the ingress does not answer"
for each in "${standing[@]}"; do echo "moved $each"; done

bad=0 jobs=()
rm -f "$state/standby/release"
as_before() {
  local id name policy
  while read -r id policy; do
    name=$("${docker[@]}" inspect --format '{{.Name}}' "$id") && name=${name#/} &&
      "${docker[@]}" rename "$id" "${name%"$standby_mark"}" &&
      "${docker[@]}" update --restart "$policy" "$id" > /dev/null || return
  done < "$state/standby/restart-$1"
  mkdir -p "$state/cut" && mv -fT "$state/standby/networks-$1" "$state/cut/$1"
}
for each in "${standing[@]}"; do
  as_before "$each" &
  jobs+=("$!")
done
for job in "${jobs[@]}"; do wait "$job" || exit; done
# While they change their names, those that go get what comes should the ingress lose sight of them.
# shellcheck disable=SC2329 # `by_itself` calls it
names_again() {
  local records image code ids now
  mapfile -t records < <(noted_networks names "${standing[@]}" | sort --version-sort --key=3,3)
  mapfile -t ids < <(printf '%s\n' "${records[@]%% *}" | sort -u)
  now=$(networks_of "${ids[@]}") || return
  image=$("${docker[@]}" inspect --format '{{.Image}}' "$ingress") && fill_below "$image" "${records[@]}"
  weigh 100 && named "${records[@]}"
  code=$?
  [ "${#fillers[@]}" -eq 0 ] || "${docker[@]}" rm --force "${fillers[@]}" > /dev/null
  return "$code"
}
if by_itself names_again; then
  for service in "${standing[@]}"; do forget_networks; done
else bad=1; fi
proxy_dismiss || bad=1
for each in "${standing[@]}"; do
  # shellcheck disable=SC2086 # a list of ids
  here_of[$each]=$(addresses ${staying[$each]})
done
within 15 all_seen || bad=1
[ "$bad" -ne 0 ] || for each in "${standing[@]}"; do
  # shellcheck disable=SC2086 # a list of routes
  proxy_drain "${here_of[$each]}" '*' ${routes_of[$each]} || bad=1
done
jobs=()
for each in "${standing[@]}"; do
  # shellcheck disable=SC2086 # a list of ids
  healthy "$limit" ${staying[$each]} &
  jobs+=("$!")
done
for job in "${jobs[@]}"; do wait "$job" || bad=1; done
rm -rf "$state/standby"
exit "$bad"
