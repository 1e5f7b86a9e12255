# Has the ingress tell a load balancer that this host is taken out, or that it is back, and asks its ports as that does.
# Ends with 10 where no ingress runs, with 11 where it was configured before there was this or has no such port, and with
# 1 where it cannot be reached, or the ports answer something else.
#: docker[]  the engine's words
#: project   the compose project
#: folder    the folder of the ingress
#: way       out or back
#: path      what the load balancer asks for
#: ports[]   the ports of the ingress where it may ask
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/proxy.bash
source lib/doors.bash

old=() seen=''
find_ingress || exit
running=''
[ -z "$ingress" ] || [[ $(state "$ingress") != running* ]] || running=yes
# What starts next has nobody taken out, whether or not one answers now.
[ -n "$running" ] || {
  [ "$way" = out ] || proxy_rejoin
  exit 10
}
published=$("${docker[@]}" port "$ingress") || exit
# shellcheck disable=SC2329 # `told` calls it
# The status that a stranger gets at the door $1; nothing for no answer within 5 s.
status_at() {
  local line=''
  { exec 4<> "/dev/tcp/$1"; } 2> /dev/null || return
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load-balancer\r\nConnection: close\r\n\r\n' "$path" >&4
  IFS= read -r -t 5 line <&4
  exec 4<&-
  line=${line#* }
  echo "${line%% *}"
}
# shellcheck disable=SC2329 # `within` calls it
told() {
  local port at
  seen=''
  for port in "${ports[@]}"; do
    at=$(door "$port")
    [ -n "${at%/}" ] || continue
    seen=$(status_at "$at")
    case $way$seen in
      out503) ;;
      out* | back | back503)
        seen="port ${at##*/} answers ${seen:-nothing} at $path"
        return 1
        ;;
    esac
  done
  [ -n "$seen" ]
}
if [ "$way" = out ]; then
  proxy_leave
  case $? in
    0) ;;
    2) exit 11 ;;
    *)
      echo "the ingress does not answer" >&2
      exit 1
      ;;
  esac
else
  proxy_rejoin || {
    echo "the ingress does not answer" >&2
    exit 1
  }
fi
within 10 told && exit
[ -n "$seen" ] || exit 11
echo "$seen" >&2
exit 1
