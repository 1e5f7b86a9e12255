# others_reach PID TABLE...: whether anybody else can reach a socket that a process's network has in these tables of the
# kernel's: tcp, tcp6, udp, udp6. On its loopback it is there for itself.
others_reach() {
  local pid=$1
  shift
  cat "${@/#//proc/$pid/net/}" 2> /dev/null |
    awk '($4 == "0A" || $4 == "07") && $2 !~ /^(......7F|00000000000000000000000001000000):/ { found = 1 }
      END { exit !found }'
}
