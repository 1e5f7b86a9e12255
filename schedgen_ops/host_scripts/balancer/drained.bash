# Waits until nothing is sent to this host any more, and what was begun has ended. Prints `open` where something had not
# at the end, and `unknown` where the ingress did not tell.
#: docker[]  the engine's words
#: project   the compose project
#: drain     seconds until nothing more is sent
#: most      seconds that what was begun has then
source lib/rollout.bash
source lib/proxy.bash

sleep "$drain"
find_ingress || exit
[ -n "$ingress" ] && [[ $(state "$ingress") == running* ]] || exit 0
within "$most" proxy_quiet
case $? in
  0) ;;
  1) echo open ;;
  *) echo unknown ;;
esac
