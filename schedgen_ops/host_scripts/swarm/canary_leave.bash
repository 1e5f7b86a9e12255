# Has the ingress of this node send nothing more to canaries, at once; then it finds them no more.
#: docker[] the engine's words
#: project  whose ingress it is
#: routes[] the ingress's routes that canaries are behind
#: drain    seconds that requests may take which they have begun; "" where they stay found for now
source lib/rollout.bash
source lib/proxy.bash

find_ingress || exit
[ -n "$ingress" ] || exit 0
proxy_open
proxy_hush "${routes[@]}" || {
  echo 'the ingress does not answer' >&2
  exit 1
}
[ -n "$drain" ] || exit 0
idle() {
  local route
  for route in "${routes[@]}"; do proxy_idle "$route" "$proxy_at" || return; done
}
within "$drain" idle || echo "say requests to the canary are cut: they took longer than $drain s"
proxy_forgo "${routes[@]}"
