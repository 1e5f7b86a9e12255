# Has the ingress of this node turn visitors away until it starts anew, or let them in again, and asks its ports what they get
# then. Prints `PORT SEEN` for each, and `page SUM` of the page that they get. Ends with 10 where there is no ingress
# that runs, with 11 where it does not know how, with 12 where visitors are let in and get something else all the same, and
# with 1 where it does not answer, or does not turn them away: they are let in, as far as that could be done.
#: docker[]   the engine's words
#: project    whose ingress it is
#: retry      seconds, for Retry-After
#: health     `health` where the paths of health checks go through, else -
#: switch     `no` where the ports are asked alone
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash
source lib/turned_away.bash

find_ingress || exit
[ -n "$ingress" ] || exit 10
case $(state "$ingress") in
  running*) ;;
  paused*)
    # It goes on as it was told.
    echo "the ingress is paused" >&2
    exit 1
    ;;
  *) exit 10 ;;
esac
published=$("${docker[@]}" port "$ingress") || exit
if [ "$switch" = no ]; then
  seen_by_visitors
  exit
fi
if [ "${#routes[@]}" -eq 0 ]; then
  proxy_let_in_now || {
    echo "the ingress does not answer" >&2
    exit 1
  }
  seen_by_visitors || exit 12
  exit 0
fi
proxy_turn_away_now "$retry" "$wait" "$health" "${routes[@]}"
turned=$?
[ "$turned" -ne 2 ] || exit 11
[ "$turned" -eq 0 ] || echo "the ingress does not answer" >&2
{ [ "$turned" -eq 0 ] && seen_by_visitors; } || {
  proxy_let_in_now
  exit 1
}
page=$(proxy_page | sha256sum) || exit 0
echo "page ${page%% *}"
