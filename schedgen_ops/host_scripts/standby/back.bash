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
find_ingress || exit
as_before() {
  local id name policy
  while read -r id policy; do
    name=$("${docker[@]}" inspect --format '{{.Name}}' "$id") && name=${name#/} &&
      "${docker[@]}" rename "$id" "${name%"$standby_mark"}" &&
      "${docker[@]}" update --restart "$policy" "$id" > /dev/null || return
  done < "$state/standby/restart-$1"
  mkdir -p "$state/cut" && mv -fT "$state/standby/networks-$1" "$state/cut/$1"
}
serve_again() {
  local service=$1 proxies=() stay=() go=() pair here there
  for pair in "${pairs[@]}"; do [ "${pair%%=*}" != "$service" ] || proxies+=("${pair#*=}"); done
  mapfile -t stay < <(cut -d ' ' -f 1 "$state/standby/restart-$service")
  as_before "$service" && find_ids go "$service" --filter "label=schedgen.release=$newer" && join_again names || return
  here=$(addresses "${stay[@]}") there=$(addresses "${go[@]}")
  within 15 seen_again || {
    echo "the ingress does not see what stood by of $service" >&2
    return 1
  }
  proxy_drain "$here" "$there" "${proxies[@]}" && echo "moved $service" && healthy "$limit" "${stay[@]}"
}
jobs=() bad=0
for each in "${standing[@]}"; do
  serve_again "$each" &
  jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || bad=1; done
rm -rf "$state/standby"
exit "$bad"
