# Containers that were invited to a route of HAProxy: what the functions do is said in lib/proxy.bash.

# The servers of the routes, each as ROUTE/SERVER: those that look for another name than most of their route into the array
# `haproxy_guests`, the others into `haproxy_residents`; the names that these look for, by route, into `haproxy_usual`.
haproxy_part() {
  local f key name row rows=()
  local -A looking=() times=()
  haproxy_guests=() haproxy_residents=() proxy_at=''
  declare -gA haproxy_usual=()
  haproxy_ask 'show servers state' && [ -n "$haproxy_answer" ] || return
  while read -ra f; do
    [[ ${f[3]-} =~ ^s[0-9]+$ && " $* " = *" ${f[1]} "* ]] || continue
    key=${f[1]} name=${f[17]}
    rows+=("$key ${f[3]} ${f[4]} $name")
    looking["$key $name"]=$((${looking["$key $name"]-0} + 1))
    [ "${looking["$key $name"]}" -le "${times[$key]-0}" ] ||
      times[$key]=${looking["$key $name"]} haproxy_usual[$key]=$name
  done <<< "$haproxy_answer"
  for row in "${rows[@]}"; do
    read -ra f <<< "$row"
    if [ "${f[3]}" = "${haproxy_usual[${f[0]}]}" ]; then
      haproxy_residents+=("${f[0]}/${f[1]}")
      continue
    fi
    haproxy_guests+=("${f[0]}/${f[1]}")
    case ${f[2]} in - | 0.0.0.0 | ::) ;; *) proxy_at+="${f[2]} " ;; esac
  done
}
haproxy_hush() {
  haproxy_part "$@" || return
  haproxy_order 'set weight ' ' 0' "${haproxy_guests[@]}"
  haproxy_order 'set weight ' ' 100%' "${haproxy_residents[@]}"
  haproxy_send
}
# Whether none of the servers $2... leads to one of the addresses $1.
haproxy_elsewhere() {
  local f
  haproxy_ask 'show servers state' && [ -n "$haproxy_answer" ] || return
  while read -ra f; do
    [[ " ${*:2} " != *" ${f[1]-}/${f[3]-} "* || " $1 " != *" ${f[4]-} "* ]] || return
  done <<< "$haproxy_answer"
}
haproxy_forgo() {
  local each guests at
  haproxy_hush "$@" || return
  guests=("${haproxy_guests[@]}") at=$proxy_at
  [ "${#guests[@]}" -gt 0 ] || return 0
  for each in "${guests[@]}"; do haproxy_order 'set server ' " fqdn ${haproxy_usual[${each%/*}]}" "$each"; done
  haproxy_send && within 10 haproxy_elsewhere "$at" "${guests[@]}" || return
  haproxy_order 'set server ' ' state ready' "${guests[@]}"
  haproxy_order 'set weight ' ' 100%' "${guests[@]}"
  haproxy_send
}
