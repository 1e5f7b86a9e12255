# Visitors turned away, and a load balancer told to leave this host out, each by a map that is in the running HAProxy, and
# on the disk; `folder` has its configuration.
source lib/files.bash
embed proxies/haproxy/hold.lua

haproxy_map=/etc/schedgen-ingress/maintenance.map
# Stdin becomes the file $1 of `folder`, which the program's own user reads.
haproxy_file() { cat > "$folder/.$1" && chmod 644 "$folder/.$1" && durable "$folder/.$1" "$folder/$1"; }
haproxy_prepare() {
  printf '%s\n' "$hold_lua" | haproxy_file hold.lua &&
    { [ -e "$folder/maintenance.map" ] || haproxy_file maintenance.map < /dev/null; } &&
    { [ -e "$folder/out.map" ] || haproxy_file out.map < /dev/null; } &&
    { [ -e "$folder/maintenance.html" ] || echo 'Down for maintenance' | haproxy_file maintenance.html; }
}
# Whether what runs reads the map $1; 1 where it does not answer, 2 where it does not.
haproxy_mapped() {
  haproxy_ask 'show map' && [ -n "$haproxy_answer" ] || return
  [[ $haproxy_answer = *"($1)"* ]] || return 2
}
# The map that is read at a start: the value $1 for the routes.
haproxy_kept() {
  local value=$1
  shift
  printf "%s $value\n" "$@" | haproxy_file maintenance.map
}
# And the one that runs. A request looks for its route, then for `*`: should the one go from the map and the other come
# in between, it would find neither, so there is a moment with both.
haproxy_switched() {
  local value=$1
  shift
  haproxy_ask "show map $haproxy_map" || return
  if [[ $haproxy_answer = *' * '* && " $* " != *' * '* ]]; then
    haproxy_replaced "$value" '*' "$@" && sleep 0.2 || return
  fi
  haproxy_replaced "$value" "$@"
}
# A version of the map beside the one in force, which no request sees in part. HAProxy before 2.4 knows none.
haproxy_replaced() {
  local value=$1 route version='' orders=''
  shift
  haproxy_ask "prepare map $haproxy_map" || return
  [[ $haproxy_answer =~ 'New version created: '([0-9]+) ]] && version="@${BASH_REMATCH[1]} "
  [ -n "$version" ] || orders="clear map $haproxy_map;"
  for route in "$@"; do orders+="add map $version$haproxy_map $route $value;"; done
  [ -z "$version" ] || orders+="commit map $version$haproxy_map;"
  haproxy_ask "${orders%;}"
}
# What the map says of a route: RETRY WAIT HEALTH of `proxy_turn_away`.
haproxy_closed() {
  local mode=page
  [ "$2" -eq 0 ] || mode=hold
  echo "$mode:$1:$2:$3"
}
# The map is on the disk for whatever starts next, and in the one that runs. A page is read at a start alone.
haproxy_turn_away() {
  local page=$1 value anew=''
  value=$(haproxy_closed "$2" "$3" "$4")
  shift 4
  haproxy_mapped "$haproxy_map" || return
  cmp -s "$page" "$folder/maintenance.html" || anew=yes
  haproxy_file maintenance.html < "$page" && haproxy_kept "$value" "$@" || return
  if [ -n "$anew" ]; then
    proxy_reload
    return
  fi
  haproxy_switched "$value" "$@"
}
# A route is SERVICE_PORT, and a service may have got other ports.
haproxy_keep_away() {
  local was=() all=() still=() route rest value
  local -A lost=()
  proxy_lost=()
  haproxy_mapped "$haproxy_map" || return
  while read -r route rest; do
    was+=("$route") lost[${route%_*}]=yes value=$rest
  done < "$folder/maintenance.map"
  [ "${was[*]}" != '*' ] || return 0
  haproxy_look || return
  mapfile -t all < <(awk -F, '$2 == "BACKEND" && $1 !~ /^schedgen_(maintenance|out)$/ && $1 !~ /:/ { print $1 }' <<< "$haproxy_stat")
  for route in "${all[@]}"; do [ -z "${lost[${route%_*}]-}" ] || still+=("$route"); done
  for route in "${still[@]}"; do unset "lost[${route%_*}]"; done
  [ "${#still[@]}" -gt 0 ] || return 2
  # shellcheck disable=SC2034 # who calls reads it
  proxy_lost=("${!lost[@]}")
  cmp -s <(printf '%s\n' "${was[@]}" | sort) <(printf '%s\n' "${still[@]}" | sort) ||
    { haproxy_kept "$value" "${still[@]}" && haproxy_switched "$value" "${still[@]}"; }
}
# In the one that runs alone.
haproxy_turn_away_now() {
  local value
  value=$(haproxy_closed "$1" "$2" "$3")
  shift 3
  haproxy_mapped "$haproxy_map" && haproxy_switched "$value" "$@"
}
haproxy_let_in_now() { haproxy_look && haproxy_ask "clear map $haproxy_map"; }
# What starts next lets them in whether or not the one that runs answers.
haproxy_let_in() {
  haproxy_file maintenance.map < /dev/null && haproxy_let_in_now
}

haproxy_out=/etc/schedgen-ingress/out.map
haproxy_leave() {
  haproxy_mapped "$haproxy_out" || return
  echo 'out yes' | haproxy_file out.map && haproxy_ask "clear map $haproxy_out;add map $haproxy_out out yes"
}
# One that was configured before there was this has no such map, and nothing to clear.
haproxy_rejoin() { haproxy_file out.map < /dev/null && haproxy_look && haproxy_ask "clear map $haproxy_out"; }
