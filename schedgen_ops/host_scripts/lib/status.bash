# The status of an answer, by bash alone. It is a program of its own, since nothing else could end an attempt to
# connect.
# shellcheck disable=SC2034 # lib/fetch.bash reads them
source lib/fetch.bash

# status URL: prints it once all of the answer is there, nothing before that.
status() {
  local name port path authority socket problem='' line head='' chunked='' room=$((1 << 62)) LC_ALL=C
  local until='' left=() timed=() end=$'\n' length=0
  send_request GET "$1" && exec <&"$socket" && read_head || return
  [[ ! ${head,,} =~ ${end}content-length:\ *([0-9]+) ]] || length=${BASH_REMATCH[1]}
  if [ -n "$chunked" ]; then
    chunks > /dev/null
    [ -z "$problem" ] || return
  # bash counts no NUL byte: of what may have some, the length is not looked at.
  elif [ "$length" -gt 0 ] && [[ ! $head =~ ^[^\ ]+\ 304 ]] &&
    [[ ${head,,} =~ ${end}content-type:[^$end]*(text|json|xml|script) ]]; then
    IFS= read -r -N "$length" line
    [ "${#line}" -eq "$length" ] || return
  else cat > /dev/null; fi
  read -r _ line _ <<< "$head"
  printf '%s' "$line"
}
