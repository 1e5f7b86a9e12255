# LIMIT CHAIN [FAMILY ADDRESS PORT FREE]...: leads new connections for each published PORT to where Docker leads the
# port FREE of this host's loopback, until it is told to end, or for LIMIT seconds at most; 0 takes away what one that
# was killed has left. Prints `open` once they go there. It is run in the host's own root and network, and sets rules as
# Docker does: in the table nat, in a chain of its own before Docker's. A FAMILY is 4 or 6, an ADDRESS one of the host's,
# or - for all of them. Without a rule of Docker's for FREE, only who comes by the loopback gets there.
# shellcheck shell=sh
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
limit=$1 chain=$2 child=''
shift 2
nat() {
  case $family in
    4) iptables -w 10 -t nat "$@" ;;
    6) ip6tables -w 10 -t nat "$@" ;;
  esac
}
over() {
  for family in 4 6; do
    for from in PREROUTING OUTPUT; do
      while nat -D "$from" -m addrtype --dst-type LOCAL -j "$chain"; do :; done
    done
    nat -F "$chain"
    nat -X "$chain"
  done > /dev/null 2>&1
}
give_up() {
  over
  printf '%s\n' "${1:-the packet filter takes no rule}"
  exit 1
}
# As Docker's rule for FREE has it: the container, and `! -i BRIDGE` for who does not come from beside it.
look_up() {
  rule=$(nat -S DOCKER | grep -e "--dport $free .*--to-destination ") || rule=''
  container=${rule##*--to-destination }
  bridge=''
  case $rule in *'! -i '*)
    bridge=${rule#*'! -i '}
    bridge=${bridge%% *}
    ;;
  esac
}
lead() {
  near=127.0.0.0/8 loopback=127.0.0.1 far=''
  [ "$family" = 4 ] || near=::1/128 loopback='[::1]'
  case $address in
    127.* | ::1) ;;
    -) far=yes ;;
    *) near='' far=yes ;;
  esac
  [ -z "$near" ] ||
    nat -A "$chain" -d "$near" -p tcp --dport "$port" -j DNAT --to-destination "$loopback:$free" || return
  [ -n "$far" ] || return 0
  look_up
  [ -n "$container" ] || { [ "$family" = 6 ] && return; } || {
    echo "Docker sets no rules there"
    return 1
  }
  set -- -p tcp --dport "$port" -j DNAT --to-destination "$container"
  [ -z "$bridge" ] || set -- ! -i "$bridge" "$@"
  [ "$address" = - ] || set -- -d "$address" "$@"
  nat -A "$chain" "$@"
}

trap 'over; kill $child; exit 0' TERM INT HUP
over
[ "$limit" -gt 0 ] || exit 0
families=''
while [ "$#" -gt 0 ]; do
  family=$1 address=$2 port=$3 free=$4
  shift 4
  case $families in *"$family"*) ;; *)
    said=$(nat -N "$chain" 2>&1) || give_up "$said"
    families="$families $family"
    ;;
  esac
  said=$(lead 2>&1) || give_up "$said"
done
for family in $families; do
  for from in PREROUTING OUTPUT; do
    said=$(nat -I "$from" 1 -m addrtype --dst-type LOCAL -j "$chain" 2>&1) || give_up "$said"
  done
done
echo open
sleep "$limit" &
child=$!
wait "$child"
over
exit 0
