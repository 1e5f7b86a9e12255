# One HTTP request from the host itself: by curl where there is one, else by bash alone.

source lib/curl.bash
embed lib/status.bash

# `request` sets `answer`, `get` prints it: status, seconds, error. $1 the URL, $2 the most time it may take,
# in seconds. With curl that is one process for a request.
request() {
  local url=$1 limit=$2 code start took
  if command -v curl > /dev/null 2>&1 || [[ $url != http://* ]]; then
    by_curl "$url" "$limit"
    return
  fi
  start=${EPOCHREALTIME/[.,]/}
  # shellcheck disable=SC2154 # embedded
  code=$(call_for "$limit" "$status_bash" status "$url")
  took=$((${EPOCHREALTIME/[.,]/} - start))
  printf -v answer '%s %d.%06d ' "${code:-000}" "$((took / 1000000))" "$((took % 1000000))"
  [ -n "$code" ] || answer+='no answer'
}
get() {
  local answer
  request "$@"
  printf '%s\n' "$answer"
}
# check URL SECONDS STATUS: prints good where it answers in time with a status that begins with STATUS, or with one of
# several with a comma between; else `bad WHY`.
check() {
  local status begins url=${1%%'#'*}
  read -r status _ < <(get "$1" "$2")
  case $status in '' | 000)
    echo "bad $url gave no answer within ${2}s"
    return
    ;;
  esac
  for begins in ${3//,/ }; do
    [[ $status != "$begins"* ]] || {
      echo good
      return
    }
  done
  echo "bad $url answered $status"
}
# call_for SECONDS FUNCTIONS WORDS...: calls one of the functions of a text, for so long at most.
call_for() { timeout "$1" bash -c "$2"$'\n"$@"' bash "${@:3}" 2> /dev/null; }
# body URL SECONDS BYTES: what a good answer holds, nothing of one that is not whole.
body() {
  local said head end=$'\n' LC_ALL=C
  said=$(call_for "$2" "$status_bash" fetch GET "$1" "$2" "$3") || return
  [[ ${said##*$'\n'} =~ ^$'\036'[0-9]+\ $ && $said =~ ^HTTP/[0-9.]+\ [23][0-9][0-9] ]] || return
  said=${said%$'\n'*}
  head=${said%%$'\r\n\r\n'*} said=${said#*$'\r\n\r\n'}
  # Who closes the connection early says so by the length alone.
  [[ ! ${head,,} =~ ${end}content-length:\ *([0-9]+) ]] || [ "${#said}" -ge "${BASH_REMATCH[1]}" ] || return
  printf '%s' "$said"
}
