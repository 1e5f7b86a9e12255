# Turns visitors away at the ingress, or lets them in again, and asks its ports what they get then. Prints `PORT SEEN`
# for each. Ends with 10 where there is no ingress that runs, with 11 where it does not know how, and with 1 where it
# cannot be reached, or visitors get something else then: they are let in, as far as that could be done.
#: docker[]  the engine's words
#: project   the compose project
#: folder    the folder of the ingress
#: routes[]  those whose visitors are turned away, * for all; () lets everybody in
#: ports[]   the ports of the ingress that are asked, where they are published
#: raw[]     those of them where no HTTP is spoken: who is turned away there is cut off
#: what      what is noted of it on the host, in words
#: retry     seconds, for Retry-After
#: wait      seconds that requests are held before they get the page; 0 for none
#: health    `health` where the paths of health checks go through, else -
#: size      bytes of the page, on stdin
source lib/alone_on_services.bash
source lib/maintenance.bash
source lib/doors.bash

old=()
find_ingress || exit
[ -n "$ingress" ] && [[ $(state "$ingress") == running* ]] || exit 10
published=$("${docker[@]}" port "$ingress") || exit
# What a visitor of the door $1 gets: `page`, `held` for no answer within $2 seconds, `open`, or `nothing`.
visit() {
  local line status='' retry_after='' code=0
  { exec 4<> "/dev/tcp/$1"; } 2> /dev/null || {
    echo nothing
    return
  }
  printf 'GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: visitor\r\nConnection: close\r\n\r\n' >&4
  while IFS= read -r -t "$2" line <&4 || { code=$? && false; }; do
    line=${line%$'\r'}
    [ -n "$line" ] || break
    case ${line,,} in http/*) status=${line#* } ;; retry-after:*) retry_after=yes ;; esac
  done
  exec 4<&-
  case ${status%% *}$retry_after in
    503yes) echo page ;;
    '') if [ "$code" -gt 128 ]; then echo held; else echo nothing; fi ;;
    *) echo open ;;
  esac
}
# The same where no HTTP is spoken: `cut`, or `open` where nobody ends the connection at once.
knock() {
  local _ code
  { exec 4<> "/dev/tcp/$1"; } 2> /dev/null || {
    echo nothing
    return
  }
  IFS= read -r -d '' -n 1 -t 1 _ <&4
  code=$?
  exec 4<&-
  if [ "$code" -eq 1 ]; then echo cut; else echo open; fi
}
expected=open patience=10
[ "${#routes[@]}" -eq 0 ] || expected=page patience=5
[ "$wait" -eq 0 ] || expected=held patience=2
seen_by_visitors() {
  local port at seen wanted
  for port in "${ports[@]}"; do
    at=$(door "$port") wanted=$expected
    if [[ " ${raw[*]} " = *" $port "* ]]; then
      seen=$(knock "$at")
      [ "$wanted" = open ] || wanted='cut'
    else seen=$(visit "$at" "$patience"); fi
    echo "${at##*/} $seen"
    [ "$seen" = "$wanted" ] || {
      echo "${1-}a visitor of port ${at##*/} gets: $seen, not: $wanted" >&2
      return 1
    }
  done
}
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
