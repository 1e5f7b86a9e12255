# One HTTP request by bash alone, within the process that calls it: no program is started, which costs more than most
# answers do. Nothing ends an attempt to connect but the kernel: from a host to itself that is made or refused at
# once, and else the request fails when it is over.
source lib/fetch.bash

# is_plain URL: whether it can be asked like that.
is_plain() { [[ $1 =~ ^http://[^/?#@]+(/[^#]*)?(#host=[^#]*)?$ ]]; }

# here URL SECONDS: sets `answer` as `request` does: status, seconds, error. The status of an answer that does not come
# whole, or not in time, is 000. Whoever calls it is deaf to SIGPIPE.
here() {
  local name port path authority socket='' problem='' line head='' chunked='' left=() timed=() LC_ALL=C
  local start=${EPOCHREALTIME/[.,]/} status=000 until took
  until_after "$2" "$start"
  if send_request GET "$1"; then
    ! { read_head && whole_body; } <&"$socket" || status=${head#* }
    exec {socket}>&-
    status=${status%%[!0-9]*}
  fi 2> /dev/null
  took=$((${EPOCHREALTIME/[.,]/} - start))
  [ "$((start + took))" -lt "$until" ] || status=000
  [ "${#status}" -eq 3 ] || status=000
  [ "$status" != 000 ] || problem=${problem:-no answer}
  # shellcheck disable=SC2034 # whoever calls reads it
  printf -v answer '%s %d.%06d %s' "$status" "$((took / 1000000))" "$((took % 1000000))" "$problem"
}
# Reads the body to its end, and fails where that is not there.
whole_body() {
  local length='' end=$'\n' size
  [[ ! ${head,,} =~ ${end}content-length:\ *([0-9]+) ]] || length=${BASH_REMATCH[1]}
  if [[ $head =~ ^[^\ ]+\ (204|304) ]]; then
    return 0
  # bash counts no NUL byte, which what is no text may have: its end is that of the connection.
  elif [[ ! ${head,,} =~ ${end}content-type:[^$end]*(text|json|xml|script) ]] && [ "$length" != 0 ]; then
    patient && if [ -n "$chunked" ]; then
      [ "$("${timed[@]}" tail -c 5 | tr -d '\r\n')" = 0 ]
    else
      [ "$("${timed[@]}" wc -c)" -ge "${length:-0}" ]
    fi
  elif [ -n "$chunked" ]; then
    while patient && IFS= read -r "${left[@]}" line; do
      size=${line%%[!0-9a-fA-F]*}
      [ -n "$size" ] && [ "${#size}" -le 8 ] || return
      [ "$((16#$size))" -gt 0 ] || return 0
      # With the end of the line behind it.
      exactly "$((16#$size + 2))" || return
    done
    return 1
  elif [ -n "$length" ]; then
    [ "$length" -eq 0 ] || exactly "$length"
  else
    patient && IFS= read -r -d '' "${left[@]}" line
    patient
  fi
}
exactly() { patient && IFS= read -r -N "$1" "${left[@]}" line && [ "${#line}" -eq "$1" ]; }
