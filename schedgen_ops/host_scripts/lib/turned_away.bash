# The ports of an ingress, asked as visitors ask once they were turned away, or let in. `published` has what the engine says
# of them.
#: routes[] those whose visitors are turned away, * for all; () where everybody is let in
#: ports[]  the ports of the ingress that are asked, where they are published
#: raw[]    those of them where no HTTP is spoken: who is turned away there is cut off
#: wait     seconds that requests are held before they get the page; 0 for none
source lib/doors.bash

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
