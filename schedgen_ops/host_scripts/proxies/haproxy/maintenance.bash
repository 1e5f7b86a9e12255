# Visitors turned away by a map that is in the running HAProxy, and on the disk; `folder` has its configuration.
source lib/files.bash
embed proxies/haproxy/hold.lua

haproxy_map=/etc/schedgen-ingress/maintenance.map
# Stdin becomes the file $1 of `folder`, which the program's own user reads.
haproxy_file() { cat > "$folder/.$1" && chmod 644 "$folder/.$1" && durable "$folder/.$1" "$folder/$1"; }
haproxy_prepare() {
  printf '%s\n' "$hold_lua" | haproxy_file hold.lua &&
    { [ -e "$folder/maintenance.map" ] || haproxy_file maintenance.map < /dev/null; } &&
    { [ -e "$folder/maintenance.html" ] || echo 'Down for maintenance' | haproxy_file maintenance.html; }
}
# The map is on the disk for whatever starts next, and in the one that runs. A page is read at a start alone.
haproxy_turn_away() {
  local page=$1 value mode=page route anew=''
  [ "$3" -eq 0 ] || mode=hold
  value=$mode:$2:$3:$4
  shift 4
  haproxy_ask 'show map' && [ -n "$haproxy_answer" ] || return
  [[ $haproxy_answer = *"($haproxy_map)"* ]] || return 2
  cmp -s "$page" "$folder/maintenance.html" || anew=yes
  haproxy_file maintenance.html < "$page" &&
    printf "%s $value\n" "$@" | haproxy_file maintenance.map || return
  if [ -n "$anew" ]; then
    proxy_reload
    return
  fi
  haproxy_orders="clear map $haproxy_map;"
  for route in "$@"; do haproxy_orders+="add map $haproxy_map $route $value;"; done
  haproxy_send
}
# What starts next lets them in whether or not the one that runs answers.
haproxy_let_in() {
  haproxy_file maintenance.map < /dev/null && haproxy_look && haproxy_ask "clear map $haproxy_map"
}
