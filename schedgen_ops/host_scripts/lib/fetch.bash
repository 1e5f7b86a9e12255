# One HTTP request with the body of its answer. Plain HTTP takes no curl, and where it can no other program:
# starting one costs more than most answers do.

source lib/visited.bash

# parts_of URL: `authority`, as a Host header has it; `name` and `port`, where that is; and `path`.
parts_of() {
  local rest visited_at visited_as
  visited "$1"
  rest=${visited_at#http://}
  path=/${rest#*/}
  [ "$rest" != "${rest#*/}" ] || path=/
  authority=${rest%%/*} name=${rest%%/*} port=80
  case $name in
    \[*\]:* | [!\[]*:*)
      port=${name##*:}
      name=${name%:*}
      ;;
  esac
  name=${name#[}
  name=${name%]}
  authority=${visited_as:-$authority}
}
# send_request METHOD URL [TYPE LENGTH LIMIT]: `socket` of a new connection, with the request sent. A body is on stdin.
# A token to bear is in schedgen_bearer, and never an argument of a program.
send_request() {
  parts_of "$2"
  { exec {socket}<> "/dev/tcp/$name/$port"; } 2> /dev/null ||
    {
      problem="no connection to $name port $port"
      return 1
    }
  # shellcheck disable=SC2261 # the group's own stderr, and that of what is in it
  {
    printf '%s\r\n' "$1 $path HTTP/1.1" "Host: $authority" 'User-Agent: schedgen_ops' 'Accept: */*' \
      'Connection: close'
    [ -z "${schedgen_bearer-}" ] || printf 'Authorization: Bearer %s\r\n' "$schedgen_bearer"
    [ -z "${3-}" ] || printf 'Content-Type: %s\r\nContent-Length: %s\r\n' "$3" "$4"
    printf '\r\n'
    [ -z "${3-}" ] || timeout "$5" cat
  } >&"$socket" 2> /dev/null
}
# fetch METHOD URL LIMIT MOST [TYPE LENGTH]: the raw answer, at most MOST bytes of it, then a mark and on the
# last line microseconds and what went wrong. A body to send is on stdin.
plain() {
  local name port path authority socket LC_ALL=C
  # Whoever closes the connection at once must not end us with it.
  trap '' PIPE
  ! send_request "$1" "$2" "$5" "$6" "$3" || { answer "$3" "$4" <&"$socket"; } 2> /dev/null
  trap - PIPE
  [ -z "${socket-}" ] || exec {socket}>&-
}
# Head and body of what comes on stdin, in $1 seconds, at most $2 bytes.
answer() {
  local line head='' chunked='' until='' left=() timed=() room=$2
  [ "$1" = 0 ] || until_after "$1" "${EPOCHREALTIME/[.,]/}"
  read_head || {
    problem="no answer"
    [ -z "$head$line" ] || problem="the answer ended in its head"
    patient || problem="no answer within $1 s"
    return
  }
  printf '%s\r\n' "$head"
  room=$((room - ${#head} - 2))
  if [ -n "$chunked" ]; then
    chunks
  elif [ -z "$until" ]; then
    IFS= read -r -N "$room" line
    printf '%s' "$line"
  else
    patient
    "${timed[@]}" head -c "$room" || problem="no answer within $1 s"
  fi
}
# `head`, and whether the body is `chunked`: that is put together by its lengths, and the head does not speak of it
# any more. Fails where the head does not end.
read_head() {
  while patient && IFS= read -r "${left[@]}" line; do
    line=${line%$'\r'}
    case $line:${line,,} in
      :)
        [[ $head =~ ^HTTP/[0-9.]+\ 1[0-9][0-9] ]] || return 0
        head=''
        ;;
      *:transfer-encoding:*chunked*) chunked=yes ;;
      *) head+=$line$'\r\n' ;;
    esac
  done
  return 1
}
# until_after SECONDS SINCE: `until`, so long after SINCE, both in microseconds.
until_after() {
  local part=${1#*.}000000
  [ "$1" != "${1#*.}" ] || part=000000
  until=$(($2 + ${1%%.*} * 1000000 + 10#${part:0:6}))
}
# Whether there is time left, and how much.
patient() {
  [ -n "$until" ] || return 0
  local rest=$((until - ${EPOCHREALTIME/[.,]/}))
  [ "$rest" -gt 0 ] || return
  printf -v rest '%d.%06d' "$((rest / 1000000))" "$((rest % 1000000))"
  left=(-t "$rest") timed=(timeout "$rest")
}
chunks() {
  local size
  while patient && IFS= read -r "${left[@]}" line; do
    size=${line%%[!0-9a-fA-F]*}
    [ -n "$size" ] && [ "${#size}" -le 8 ] || {
      problem="the answer is in no sound chunks"
      return
    }
    size=$((16#$size))
    [ "$size" -gt 0 ] || return 0
    if [ "$size" -gt "$room" ]; then
      "${timed[@]}" head -c "$room"
      return
    fi
    "${timed[@]}" head -c "$size"
    room=$((room - size))
    patient && IFS= read -r "${left[@]}" line && [ -z "${line%$'\r'}" ] || break
  done
  problem="the answer was cut off"
}
# The token as a line of curl's configuration, where there is one.
bearer() {
  [ -z "${schedgen_bearer-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$schedgen_bearer"
}
curled() {
  command -v curl > /dev/null 2>&1 || {
    echo 'https needs curl on the host' >&2
    return
  }
  local with=() visit
  for_curl "$2"
  [ -z "$5" ] || with=(--header "Content-Type: $5" --header 'Expect:' --data-binary @-)
  curl --silent --show-error --include --max-time "$3" --request "$1" --header 'User-Agent: schedgen_ops' \
    "${with[@]}" --config <(bearer) "${visit[@]}" | sed '1,/^\r*$/ { /^[Tt]ransfer-[Ee]ncoding:/d; }' | head -c "$4"
}
fetch() {
  local start=${EPOCHREALTIME/[.,]/} problem=''
  set -- "$1" "$2" "$3" "$4" "${5-}" "${6-}"
  case $2 in
    http://*) plain "$@" ;;
    *) { problem=$(curled "$@" 2>&1 >&4); } 4>&1 ;;
  esac
  printf '\n\036%s %s\n' "$((${EPOCHREALTIME/[.,]/} - start))" "${problem//$'\n'/ }"
}
