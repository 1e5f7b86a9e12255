# Where the ports of the ingress are reached from the host itself. `published` has what the engine says of them.

# The door of the port $1 of the ingress: ADDRESS/PORT, as bash connects to it.
door() {
  local found
  found=$(sed -n "s|^$1/tcp -> ||p" <<< "$published" | head -n 1)
  case ${found%:*} in
    0.0.0.0) echo "127.0.0.1/${found##*:}" ;;
    '[::]') echo "::1/${found##*:}" ;;
    *) tr -d '[]' <<< "${found%:*}/${found##*:}" ;;
  esac
}
