# What stands by serves again, of all services at the same time: it is reached as before, and gets all requests. Prints
# `moved SERVICE` for each then, and waits for Docker to call its containers well. Ends with 1 where one is not there, or the
# ingress does not see it: then the newer ones go on, and what stood by is beside them as after a run that was cut off.
#: docker[] the engine's words
#: project  the compose project
#: newer    the release that replaced them
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
rm -f "$state/standby/release"
# Of each service: the ids of what stays, its addresses, and those of what goes; a space between them.
declare -A staying=() here_of=() there_of=()
as_before() {
  local id name policy
  while read -r id policy; do
    name=$("${docker[@]}" inspect --format '{{.Name}}' "$id") && name=${name#/} &&
      "${docker[@]}" rename "$id" "${name%"$standby_mark"}" &&
      "${docker[@]}" update --restart "$policy" "$id" > /dev/null || return
  done < "$state/standby/restart-$1"
  mkdir -p "$state/cut" && mv -fT "$state/standby/networks-$1" "$state/cut/$1"
}
jobs=() bad=0
for each in "${standing[@]}"; do
  as_before "$each" &
  jobs+=("$!")
done
find_ingress || exit
# It is opened while they join: they are asked for as soon as they are there.
[ -z "$ingress" ] || proxy_open
for each in "${standing[@]}"; do
  staying[$each]=$(cut -d ' ' -f 1 "$state/standby/restart-$each" | tr '\n' ' ')
  find_ids go "$each" --filter "label=schedgen.release=$newer" || exit
  there_of[$each]=$(addresses "${go[@]}")
done
for job in "${jobs[@]}"; do wait "$job" || exit; done
join_again names "${standing[@]}" || exit
for each in "${standing[@]}"; do
  # shellcheck disable=SC2086 # a list of ids
  here_of[$each]=$(addresses ${staying[$each]})
done
# Those of `waiting` that the ingress sees get all requests.
waiting=("${standing[@]}") moved=()
# shellcheck disable=SC2329 # `within` calls it
move() {
  local each pair proxies here stay still=()
  for each in "${waiting[@]}"; do
    proxies=() here=${here_of[$each]}
    for pair in "${pairs[@]}"; do [ "${pair%%=*}" != "$each" ] || proxies+=("${pair#*=}"); done
    read -ra stay <<< "${staying[$each]}"
    if seen_again && proxy_drain "$here" "${there_of[$each]}" "${proxies[@]}"; then
      echo "moved $each"
      moved+=("$each")
    else still+=("$each"); fi
  done
  waiting=("${still[@]}")
  [ "${#waiting[@]}" -eq 0 ]
}
within 15 move || bad=1
for each in "${waiting[@]}"; do echo "the ingress does not see what stood by of $each" >&2; done
jobs=()
for each in "${moved[@]}"; do
  # shellcheck disable=SC2086 # a list of ids
  healthy "$limit" ${staying[$each]} &
  jobs+=("$!")
done
for job in "${jobs[@]}"; do wait "$job" || bad=1; done
rm -rf "$state/standby"
exit "$bad"
