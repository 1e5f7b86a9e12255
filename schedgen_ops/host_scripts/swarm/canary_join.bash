# Has the ingress of this node find the containers of canaries, which get no requests before they are given a share, and
# waits until it sees them well. Says `none` where there is no ingress on this node.
#: docker[] the engine's words
#: project  whose ingress it is
#: routes[] the ingress's routes that canaries are behind
#: names[]  for each the name under which the containers of its canary, and no others, are found
#: counts[] for each how many there are
#: limit    seconds until they must be seen
source lib/rollout.bash
source lib/proxy.bash

find_ingress || exit
[ -n "$ingress" ] || {
  echo none
  exit 0
}
proxy_open
# What an earlier run has left leads nowhere.
proxy_forgo "${routes[@]}" || {
  echo 'the ingress does not answer' >&2
  exit 1
}
for at in "${!routes[@]}"; do
  invited=''
  for ((n = 0; n < counts[at]; n++)); do invited+="${names[at]} "; done
  proxy_invite "$invited" "${routes[at]}" || {
    echo "the ingress has no room for ${counts[at]} more at ${routes[at]}" >&2
    exit 1
  }
done
lacking=''
all_seen() {
  local at
  proxy_guests "${routes[@]}" || return
  for at in "${!routes[@]}"; do
    lacking=${routes[at]##*_}
    proxy_seen_up "${routes[at]}" "$proxy_at" "${counts[at]}" || return
  done
}
within "$limit" all_seen || {
  echo "the ingress sees no container of the canary on port $lacking that is well, after $limit s" >&2
  exit 1
}
