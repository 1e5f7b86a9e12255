# One HTTP request from the host itself: by curl where there is one, else by bash alone.

source lib/url.bash

# `request` sets `answer`, `get` prints it: status, seconds, error. $1 the URL, $2 the most time it may take,
# in seconds. With curl that is one process for a request.
request() {
  local url=$1 limit=$2 out rest name port path authority code start took
  if command -v curl > /dev/null 2>&1; then
    # Whatever curl says goes before the last line, which is ours.
    out=$(curl --silent --show-error --output /dev/null --max-time "$limit" \
      --header 'User-Agent: schedgen_ops' --write-out '\n%{http_code} %{time_total}' -- "$url" 2>&1)
    code=$? rest=${out%$'\n'*} out=${out##*$'\n'}
    # A status of an answer that did not come whole is none.
    [ "$code" -eq 0 ] || out="000 ${out#* }"
    answer="$out ${rest//$'\n'/ } "
    return
  fi
  case $url in http://*) ;; *)
    answer="000 0 https needs curl on the host"
    return
    ;;
  esac
  parts_of "$url"
  start=${EPOCHREALTIME/[.,]/}
  # shellcheck disable=SC2016 # the inner bash expands them
  code=$(LC_ALL=C timeout "$limit" bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: schedgen_ops\r\n\r\n" "$3" "$4" >&3
    IFS=" " read -r _ code _ <&3 || exit
    while IFS= read -r line <&3 && line=${line%$'"'\r'"'} && [ -n "$line" ]; do
      case ${line,,} in
        content-length:*[0-9]) length=${line##*[!0-9]} ;;
        content-type:*text*|content-type:*json*|content-type:*xml*|content-type:*script*) text=yes ;;
      esac
    done
    # bash counts no NUL byte: of what may have some, the length is not looked at.
    if [ "${length:-0}" -gt 0 ] && [ -n "$text" ] && [ "$code" != 304 ]; then
      IFS= read -r -N "$length" line <&3
      [ "${#line}" -eq "$length" ] || exit
    else cat <&3 >/dev/null; fi
    printf %s "$code"
    ' bash "$name" "$port" "$path" "$authority" 2> /dev/null)
  took=$((${EPOCHREALTIME/[.,]/} - start))
  printf -v answer '%s %d.%06d ' "${code:-000}" "$((took / 1000000))" "$((took % 1000000))"
  [ -n "$code" ] || answer+='no answer'
}
get() {
  local answer
  request "$@"
  printf '%s\n' "$answer"
}
