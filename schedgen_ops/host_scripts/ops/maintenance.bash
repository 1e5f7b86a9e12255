# Turns visitors away at the ingress, or lets them in again, and asks its ports what they get then. Prints `PORT SEEN`
# for each. Ends with 10 where there is no ingress that runs, with 11 where it does not know how, and with 1 where it
# cannot be reached, or visitors get something else then: they are let in, as far as that could be done.
#: docker[]  the engine's words
#: project   the compose project
#: folder    the folder of the ingress
#: what      what is noted of it on the host, in words
#: retry     seconds, for Retry-After
#: health    `health` where the paths of health checks go through, else -
#: size      bytes of the page, on stdin
source lib/alone_on_services.bash
source lib/maintenance.bash
source lib/turned_away.bash

old=()
find_ingress || exit
[ -n "$ingress" ] && [[ $(state "$ingress") == running* ]] || exit 10
published=$("${docker[@]}" port "$ingress") || exit
if [ "${#routes[@]}" -eq 0 ]; then
  let_in || {
    echo "the ingress does not answer" >&2
    exit 1
  }
  seen_by_visitors 'visitors are let in, but '
  exit
fi
arrived "$folder/.page" "$size" || exit
printf '%s\n' "$what" > "$folder/.closed" && durable "$folder/.closed" "$folder/closed" || exit
proxy_turn_away "$folder/.page" "$retry" "$wait" "$health" "${routes[@]}"
turned=$?
rm -f "$folder/.page"
if [ "$turned" -eq 2 ]; then
  rm -f "$folder/closed"
  exit 11
fi
[ "$turned" -eq 0 ] || echo "the ingress does not answer" >&2
# What is noted stays where nobody can tell that they are let in.
{ [ "$turned" -eq 0 ] && seen_by_visitors; } || {
  let_in
  exit 1
}
