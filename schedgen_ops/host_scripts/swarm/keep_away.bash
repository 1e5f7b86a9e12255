# Has the ingress of this node turn visitors away as soon as it starts anew, for some seconds.
#: docker[] the engine's words
#: project  whose ingress it is
#: routes[] those whose visitors are turned away, * for all
#: retry    seconds, for Retry-After
#: wait     seconds that requests are held before they get the page; 0 for none
#: health   `health` where the paths of health checks go through, else -
#: limit    seconds
source lib/rollout.bash
source lib/proxy.bash

told=''
keep_away() {
  find_ingress && [ -n "$ingress" ] && [ "$ingress" != "$told" ] || return
  proxy_turn_away_now "$retry" "$wait" "$health" "${routes[@]}" && told=$ingress
  return 1
}
within "$limit" keep_away || :
