# Asks URLs again and again. One process for each says a line a request: start in microseconds, URL's number,
# status, time. Lines on stdin name the phase that begins, or say `count` for another look at the ingress's
# counters. It ends with its stdin, or when nothing was heard there for a while.
#: docker[]  the engine's words
#: project   the compose project whose ingress it is
#: urls[]    what to ask
#: silence   seconds without a line after which it ends
#: pause     seconds from an answer to the next request
#: patience  seconds after which a request has failed
source lib/curl.bash
source lib/here.bash
source lib/visitors.bash

echo probing
count start < /dev/null &
number=0 jobs=($!)
for url in "${urls[@]}"; do
  (
    trap 'exit 0' TERM
    # Whoever closes a connection at once must not end us with it.
    trap '' PIPE
    ask=by_curl
    ! is_plain "$url" || ask=here
    # Nothing ever comes here: to wait for it takes no process of its own.
    exec 9<> <(:)
    while :; do
      start=${EPOCHREALTIME/[.,]/}
      "$ask" "$url" "$patience"
      read -r status seconds _ <<< "$answer"
      printf '%s %s %s %s\n' "$start" "$number" "$status" "$seconds"
      read -r -t "$pause" <&9
    done
  ) < /dev/null 2> /dev/null &
  jobs+=($!)
  number=$((number + 1))
done
trap 'kill "${jobs[@]}" 2>/dev/null' EXIT
while IFS= read -r -t "$silence" line; do
  case $line in
    '') ;;
    count) count end ;;
    *) printf '%s phase %s\n' "${EPOCHREALTIME/[.,]/}" "$line" ;;
  esac
done
