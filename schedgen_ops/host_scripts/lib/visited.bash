# A URL with `#host=NAME[:PORT]` behind it is asked where it leads to, as a visitor of that host asks.

# `visited URL`: sets `visited_at`, what is asked of the URL, and `visited_as`, the host; "" for that of the URL.
visited() {
  visited_at=${1%%'#'*} visited_as=''
  [[ $1 != *'#host='* ]] || visited_as=${1##*'#host='}
}
# `for_curl URL`: sets `visit`, words of curl's that ask for it.
for_curl() {
  local visited_at visited_as rest to port=443
  visited "$1"
  visit=(-- "$visited_at")
  [ -n "$visited_as" ] || return 0
  visit=(--header "Host: $visited_as" "${visit[@]}")
  [[ $visited_at = https://* ]] || return 0
  # TLS has the host's name too.
  to=${visited_at#https://} to=${to%%[/?]*}
  rest=${visited_at#https://"$to"}
  [[ ! $to =~ :([0-9]+)$ ]] || port=${BASH_REMATCH[1]} to=${to%:*}
  visit=(--connect-to "::$to:$port" --header "Host: $visited_as" -- "https://${visited_as%:*}:$port$rest")
}
