# HAProxy as the ingress, by its runtime API: what the functions do is said in lib/proxy.bash. A route is a backend
# with a number of servers, of which Docker's DNS gives each an address, or none: those are free.
source proxies/haproxy/maintenance.bash
source proxies/haproxy/guests.bash
source lib/within.bash
embed proxies/haproxy/traffic.awk

# `haproxy_ask` puts a question and keeps the `haproxy_answer`, "" for none. One process in the ingress's container
# puts them all: each costs a connection there and no process here. It ends with its stdin.
proxy_open() {
  haproxy_close
  haproxy_asked=$ingress
  # shellcheck disable=SC2016 # the bash in there expands it
  coproc API { exec "${docker[@]}" exec --interactive "$ingress" bash -c '
    while IFS= read -r line; do
      answer=
      exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$line" >&3 && IFS= read -r -t 5 -N 9000000 answer <&3
      exec 3<&-; printf "%s\001" "$answer"
    done' 2> /dev/null; }
}
haproxy_close() {
  local to=${API[1]-} from=${API[0]-}
  [ -z "$to" ] || exec {to}>&-
  [ -z "$from" ] || exec {from}<&-
  haproxy_asked=
}
haproxy_ask() {
  for _ in 1 2; do
    [ "$ingress" = "${haproxy_asked-}" ] && [ -n "${API[1]-}" ] || proxy_open
    printf '%s\n' "$1" >&"${API[1]}" && IFS= read -r -t 10 -d $'\001' haproxy_answer <&"${API[0]}" && return
    haproxy_close
  done 2> /dev/null
  haproxy_answer=
  return 1
}
# `haproxy_look` asks once, `haproxy_find` reads the answer; `haproxy_order` collects what `haproxy_send` says
# in one go. What `proxy_seen_up` looked at is `haproxy_fresh` for the weights, which follow at once.
haproxy_look() {
  haproxy_stat='' haproxy_fresh=''
  haproxy_ask 'show stat' && [ -n "$haproxy_answer" ] && haproxy_stat=$haproxy_answer
}
# The servers of a route that lead to one of these addresses, or are free (""), into the array `haproxy_servers`: NAME STATUS
# OPEN-SESSIONS; `*` for all that lead anywhere but to those whose names follow. One that was just found is UP for HAProxy until its checks have failed: it is `unchecked` until one has
# passed. No program is started: on a busy host that takes longer than all the rest.
haproxy_find() {
  local line names i address status fields
  local -A at=()
  haproxy_servers=()
  while IFS= read -r line; do
    case $line in
      '# '*)
        IFS=, read -ra names <<< "${line#'# '}"
        for i in "${!names[@]}"; do at[${names[i]}]=$i; done
        ;;
      "$1",*)
        IFS=, read -ra fields <<< "$line"
        [ "${fields[${at[type]}]-}" = 2 ] || continue
        address=${fields[${at[addr]}]-} status=${fields[${at[status]}]}
        [[ ! $address =~ ^(.*):[0-9]+$ ]] || address=${BASH_REMATCH[1]}
        address=${address//[\[\]]/}
        case $address in 0.0.0.0 | ::) address= ;; esac
        case $status:${fields[${at[check_status]}]-} in UP*:*OK*) ;; UP*) status=unchecked ;; esac
        # Free ones are asked for by nothing, and by nothing else.
        case ${address:-free} in free) [ -z "$2" ] || continue ;; *) [[ $2 = '*' || " $2 " = *" $address "* ]] || continue ;; esac
        [[ " ${*:3} " != *" ${fields[${at[svname]}]} "* ]] || continue
        haproxy_servers+=("${fields[${at[svname]}]} $status ${fields[${at[scur]}]}")
        ;;
    esac
  done <<< "$haproxy_stat"
}
# Their names alone, into `haproxy_names`.
haproxy_name() {
  haproxy_find "$@"
  haproxy_names=("${haproxy_servers[@]%% *}")
}
# Something for many servers: $1 before and $2 behind each name.
haproxy_orders=''
haproxy_order() {
  local name before=$1 behind=$2
  shift 2
  for name in "$@"; do haproxy_orders+="$before$name$behind;"; done
}
haproxy_send() {
  local text=$haproxy_orders
  haproxy_orders=''
  [ -z "$text" ] || haproxy_ask "$text"
}

# Orders that give the free servers of a route a weight.
haproxy_free() {
  local free
  haproxy_name "$2" ''
  free=("${haproxy_names[@]}")
  haproxy_order "set weight $2/" " $1" "${free[@]}"
}
# A container is in Docker's DNS before it can answer.
proxy_hold() {
  local route
  haproxy_look || return
  for route in "$@"; do haproxy_free 0 "$route"; done
  haproxy_send
}
proxy_seen_up() {
  local each up=0
  haproxy_look || return
  haproxy_find "$1" "$2"
  for each in "${haproxy_servers[@]}"; do case $each in *' UP'*) up=$((up + 1)) ;; esac done
  [ "$up" -ge "$3" ] && haproxy_fresh=yes
}
# Weights for $1 percent of the requests to $2 new servers beside $3 old ones. Weight 1 is what stands by, since
# nothing goes to weight 0, even when nobody else is left. Where no new server is seen the old ones keep it all.
haproxy_weights() {
  come=100% go=1
  [ "$1" -le 100 ] || go=0
  [ "$1" -lt 100 ] || return 0
  [ "$2" -gt 0 ] || {
    go=256
    return 0
  }
  local to=$(($1 * $3)) from=$(((100 - $1) * $2))
  if [ "$to" -le "$from" ]; then
    come=$((256 * to / from)) go=256
    [ "$come" -gt 0 ] || come=1
  else go=$(((256 * from + to - 1) / to)); fi
}
proxy_weigh() {
  local share=$1 new=$2 comers=$3 old=$4 goers=$5 route to from come go
  shift 5
  [ -n "${haproxy_fresh-}" ] || haproxy_look || return
  haproxy_fresh=
  for route in "$@"; do
    haproxy_name "$route" "$new"
    to=("${haproxy_names[@]}")
    haproxy_name "$route" "$old" "${to[@]}"
    from=("${haproxy_names[@]}")
    haproxy_weights "$share" "${comers:-${#to[@]}}" "${goers:-${#from[@]}}"
    haproxy_order "set weight $route/" " $come" "${to[@]}"
    haproxy_order "set weight $route/" " $go" "${from[@]}"
  done
  haproxy_send
}
proxy_admit() {
  local addresses=$1 route names
  shift
  haproxy_look || return
  for route in "$@"; do
    haproxy_free 100% "$route"
    names=()
    [ -z "$addresses" ] || {
      haproxy_name "$route" "$addresses"
      names=("${haproxy_names[@]}")
    }
    haproxy_order "set weight $route/" ' 100%' "${names[@]}"
  done
  haproxy_send
}
# A free server looks for that name from now on: Docker is asked within 200 ms, and what it finds is checked.
proxy_invite() {
  local found_as=$1 route name free
  shift
  haproxy_look || return
  for route in "$@"; do
    haproxy_name "$route" ''
    free=("${haproxy_names[@]}")
    for name in $found_as; do
      [ "${#free[@]}" -gt 0 ] || {
        haproxy_orders=''
        return 1
      }
      haproxy_order "set weight $route/" ' 0' "${free[0]}"
      haproxy_order "set server $route/" ' state ready' "${free[0]}"
      haproxy_order "set server $route/" " fqdn $name" "${free[0]}"
      free=("${free[@]:1}")
    done
  done
  haproxy_send
}
# Of all servers, a line each: ROUTE/SERVER ADDRESS NAME, "-" for no address, NAME being what it looks for.
haproxy_led() { haproxy_ask 'show servers state' && awk '$4 ~ /^s[0-9]+$/ { print $2 "/" $4, $5, $18 }' <<< "$haproxy_answer"; }
# Those that look for another name than most of their route: ROUTE/SERVER NAME, the name that most look for.
haproxy_invited() {
  haproxy_led | awk '
    { server[NR] = $1; name[NR] = $3; sub(/\/.*/, "", $1); route[NR] = $1
      if (++count[$1, $3] > most[$1]) { most[$1] = count[$1, $3]; usual[$1] = $3 } }
    END { for (i = 1; i <= NR; i++) if (name[i] != usual[route[i]]) print server[i], usual[route[i]] }'
}
# Those that lead where one before them does.
haproxy_twice() { haproxy_led | awk '$2 != "-" { split($1, at, "/"); if (seen[at[1], $2]++) print $1 }'; }
haproxy_nowhere() {
  local led each
  led=$(haproxy_led) || return
  for each; do grep -q "^$each - " <<< "$led" || return; done
}
# A server keeps the container that is found by the usual name too. Another one may have found it before that: one of
# them is freed, and gets nothing before it leads nowhere.
proxy_dismiss() {
  local each usual twice
  while read -r each usual; do haproxy_order 'set server ' " fqdn $usual" "$each"; done < <(haproxy_invited)
  [ -n "$haproxy_orders" ] || return 0
  haproxy_send && sleep 0.5 || return
  mapfile -t twice < <(haproxy_twice)
  [ "${#twice[@]}" -gt 0 ] || return 0
  haproxy_order 'set server ' ' state maint' "${twice[@]}"
  haproxy_order 'set server ' ' addr 0.0.0.0' "${twice[@]}"
  haproxy_send && within 5 haproxy_nowhere "${twice[@]}" || return
  haproxy_order 'set weight ' ' 100%' "${twice[@]}"
  haproxy_order 'set server ' ' state ready' "${twice[@]}"
  haproxy_send
}
proxy_guests() { haproxy_part "$@"; }
proxy_hush() { haproxy_hush "$@"; }
proxy_forgo() { haproxy_forgo "$@"; }
haproxy_drained=()
proxy_drain() {
  local stay=$1 go=$2 route to from
  shift 2
  haproxy_look || return
  for route in "$@"; do
    haproxy_name "$route" "$stay"
    to=("${haproxy_names[@]}")
    haproxy_order "set server $route/" ' state ready' "${to[@]}"
    haproxy_order "set weight $route/" ' 100%' "${to[@]}"
    from=()
    [ -z "${go// /}" ] || {
      haproxy_name "$route" "$go" "${to[@]}"
      from=("${haproxy_names[@]}")
    }
    haproxy_order "set server $route/" ' state drain' "${from[@]}"
    haproxy_drained+=("${from[@]/#/$route/}")
  done
  haproxy_send
}
proxy_idle() {
  local each
  haproxy_look || return 2
  haproxy_find "$1" "$2"
  for each in "${haproxy_servers[@]}"; do case $each in *' 0') ;; *) return 1 ;; esac done
}
proxy_settle() {
  local route free
  haproxy_order 'set server ' ' state ready' "${haproxy_drained[@]}"
  haproxy_order 'set weight ' ' 100%' "${haproxy_drained[@]}"
  haproxy_drained=()
  haproxy_look
  for route in "$@"; do
    # Those that were out of reach are free by now.
    haproxy_name "$route" ''
    free=("${haproxy_names[@]}")
    haproxy_order "set server $route/" ' state ready' "${free[@]}"
    haproxy_free 100% "$route"
  done
  haproxy_send
}

proxy_prepare() { haproxy_prepare; }
proxy_turn_away() { haproxy_turn_away "$@"; }
proxy_keep_away() { haproxy_keep_away; }
proxy_let_in() { haproxy_let_in; }
proxy_turn_away_now() { haproxy_turn_away_now "$@"; }
proxy_let_in_now() { haproxy_let_in_now; }
proxy_page() { timeout -k 2 15 "${docker[@]}" exec "$ingress" cat "${haproxy_map%/*}/maintenance.html" < /dev/null; }
proxy_leave() { haproxy_leave; }
proxy_rejoin() { haproxy_rejoin; }
# Those who call a service by its name are no load balancer's.
proxy_quiet() {
  haproxy_look || return 2
  awk -F, '
    /^# / { sub(/^# /, ""); for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["type"] == 2 && $1 !~ /:/ { open += $at["scur"] }
    END { exit open > 0 }' <<< "$haproxy_stat"
}

# ROUTE yes|no: whether a server of it has passed its check, and it is up by that.
haproxy_routes() {
  haproxy_look
  awk -F, '
    /^# / { sub(/^# /, ""); for (i = 1; i <= NF; i++) at[$i] = i; next }
    $2 == "BACKEND" && $1 !~ /^schedgen_(maintenance|out)$/ { up[$1] = $at["status"] == "UP" }
    $at["type"] == 2 && $at["status"] ~ /^UP/ && $at["check_status"] ~ /OK/ { passed[$1] }
    END { for (each in up) print each, up[each] && each in passed ? "yes" : "no" }' <<< "$haproxy_stat"
}
proxy_serving() { haproxy_routes | sed -n 's/ yes$//p'; }
proxy_answering() {
  haproxy_routes | awk -v asked=" $* " '
    { some = 1 }
    $2 == "no" && (asked == "  " || index(asked, " " $1 " ")) { bad = 1 }
    END { exit !some || bad }'
}
proxy_learned() {
  haproxy_ask 'show servers state' && [ -n "$haproxy_answer" ] || return
  printf '%s\n' "$haproxy_answer" > "$folder/servers.state" &&
    chmod 644 "$folder/servers.state"
}
proxy_forget() { rm -f "$folder/servers.state"; }
haproxy_worker() {
  haproxy_ask 'show info'
  haproxy_pid=$(sed -n 's/^Pid: //p' <<< "$haproxy_answer")
}
# Another worker answers than $1: it has read what was left to it.
haproxy_succeeded() {
  haproxy_worker
  [ -n "$haproxy_pid" ] && [ "$haproxy_pid" != "$1" ]
}
proxy_reload() {
  local was read_it
  proxy_learned || return
  haproxy_worker
  was=$haproxy_pid
  "${docker[@]}" kill --signal USR2 "$ingress" > /dev/null && within 20 haproxy_succeeded "$was"
  read_it=$?
  proxy_forget
  return "$read_it"
}
proxy_reopen() {
  local all
  within 20 haproxy_look &&
    mapfile -t all < <(awk -F, '$2 ~ /^s[0-9]+$/ { print $1 "/" $2 }' <<< "$haproxy_stat") || return
  haproxy_order 'set server ' ' state ready' "${all[@]}"
  haproxy_order 'set weight ' ' 100%' "${all[@]}"
  haproxy_send && proxy_dismiss
}

haproxy_counters() {
  # shellcheck disable=SC2016 # the bash in there expands it
  timeout -k 2 15 "${docker[@]}" exec "$1" bash -c '
  ask() { exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && timeout 5 cat <&3 && exec 3<&-; }
  tables=
  while read -r mark word name rest; do
    [ "$mark$word" != "#table:" ] || tables+="show table ${name%,};"
  done < <(ask "show table")
  ask "show info;${tables}show stat" && echo over' < /dev/null 2> /dev/null
}
# A stick table counts what servers answered visitors, the statistics what HAProxy answered itself. SERVICE:PORT is for
# those who call a service by its name: a visitor was counted where he came in, if that was at a port.
proxy_visitors() {
  local line f names i kind=port pid='' born='' over=''
  local -A at=() routes=() answers=() errors=() everything=() of_servers=() broken=()
  while IFS= read -r line; do
    case $line in
      'Pid: '*) pid=${line#*: } ;;
      'Start_time_sec: '*) born=${line#*: } ;;
      'Uptime_sec: '*) born=${born:-$((EPOCHSECONDS - ${line#*: }))} ;;
      '# table: '*)
        line=${line#*: }
        haproxy_kind "${line%%,*}"
        ;;
      *' gpc0='*)
        [[ $line =~ gpc0=([0-9]+) ]] && answers[$kind]=$((${answers[$kind]-0} + BASH_REMATCH[1]))
        [[ $line =~ gpc1=([0-9]+) ]] && errors[$kind]=$((${errors[$kind]-0} + BASH_REMATCH[1]))
        ;;
      '# pxname,'*)
        IFS=, read -ra names <<< "${line#'# '}"
        for i in "${!names[@]}"; do at[${names[i]}]=$i; done
        ;;
      over) over=yes ;;
      *,*)
        [ "${#at[@]}" -gt 0 ] || continue
        IFS=, read -ra f <<< "$line"
        haproxy_kind "${f[0]}"
        case ${f[${at[type]}]} in
          0) everything[$kind]=$((${everything[$kind]-0} + ${f[${at[hrsp_5xx]}]:-0})) ;;
          1)
            broken[$kind]=$((${broken[$kind]-0} + ${f[${at[srv_abrt]}]:-0}))
            if [[ ${f[0]} =~ ^schedgen_(maintenance|out)$ ]]; then
              # Who was turned away got what was meant for them, and so did a load balancer.
              everything[$kind]=$((${everything[$kind]-0} - ${f[${at[hrsp_5xx]}]:-0}))
            else routes[$kind]=yes; fi
            ;;
          2) of_servers[$kind]=$((${of_servers[$kind]-0} + ${f[${at[hrsp_5xx]}]:-0})) ;;
        esac
        ;;
    esac
  done < <(haproxy_counters "$1")
  [ -n "$over" ] && [ -n "$born" ] && [ -n "$pid" ] && [ "${#at[@]}" -gt 0 ] || return
  kind=port
  [ -n "${routes[port]-}" ] || kind=name
  echo "$pid $born ${answers[$kind]-0} ${errors[$kind]-0} ${everything[$kind]-0} ${of_servers[$kind]-0} ${broken[$kind]-0}"
}
haproxy_kind() { case $1 in *:*) kind=name ;; *) kind=port ;; esac }
proxy_traffic() {
  local new=$1 old=$2 text='' route
  shift 2
  for route in "$@"; do text+="show table $route;"; done
  haproxy_ask "${text}show stat" || return
  awk -v proxies=" $* " -v fresh=" $new " -v old=" $old " "$traffic_awk" <<< "$haproxy_answer"
}
proxy_move() {
  # shellcheck disable=SC2086 # lists of names
  {
    haproxy_order 'set weight ' ' 256' $1
    haproxy_order 'set weight ' ' 0' $2
  }
  haproxy_send
}
