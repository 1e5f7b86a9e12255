# What the ingress is asked and told by its runtime API, and what it says of its servers. `docker` has the engine's
# words, an array; `ingress`, its container, is the caller's.
# shellcheck disable=SC2034 # `come` and `go` are read by who calls

# `ask` puts a question and keeps the `answer`, "" for none. One process in the ingress's container puts them
# all: each costs a connection there and no process here. It ends with its stdin.
open_api() {
  close_api
  asked=$ingress
  # shellcheck disable=SC2016 # the bash in there expands it
  coproc API { exec "${docker[@]}" exec --interactive "$ingress" bash -c '
    while IFS= read -r line; do
      exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$line" >&3 && timeout 5 cat <&3
      exec 3<&-; printf "\001"
    done' 2> /dev/null; }
}
close_api() {
  local to=${API[1]-} from=${API[0]-}
  [ -z "$to" ] || exec {to}>&-
  [ -z "$from" ] || exec {from}<&-
  asked=
}
ask() {
  local try
  for try in 1 2; do
    [ "$ingress" = "${asked-}" ] && [ -n "${API[1]-}" ] || open_api
    printf '%s\n' "$1" >&"${API[1]}" && IFS= read -r -t 10 -d $'\001' answer <&"${API[0]}" && return
    close_api
  done 2> /dev/null
  answer=
  return 1
}
addresses() { [ "$#" -eq 0 ] || "${docker[@]}" inspect \
  --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$@" | tr -d '\n'; }
# `look` asks once, `servers` reads the answer; `order` collects what `send` says in one go.
look() {
  stat=
  ask 'show stat' && [ -n "$answer" ] && stat=$answer
}
# The servers of a proxy that lead to one of these addresses, or to none (""): name, status, open sessions.
servers() { awk -F, -v proxy="$1" -v wanted=" $2 " '
  /^# / { sub(/^# /, ""); for (i = 1; i <= NF; i++) at[$i] = i; next }
  $at["pxname"] == proxy && $at["type"] == 2 {
    split($at["addr"], part, ":"); address = part[1]
    if (address == "0.0.0.0") address = ""
    if (wanted == "  " ? address == "" : address != "" && index(wanted, " " address " "))
      print $at["svname"], $at["status"], $at["scur"]
  }' <<< "$stat"; }
names() { servers "$@" | cut -d' ' -f1; }
# Something for many servers: $1 before and $2 behind each name.
orders=''
order() {
  local name before=$1 behind=$2
  shift 2
  for name in "$@"; do orders+="$before$name$behind;"; done
}
send() {
  local text=$orders
  orders=''
  [ -z "$text" ] || ask "$text"
}
# Weights for $1 percent of the requests to $2 new containers beside $3 old ones, and never more than that;
# 100 leaves the old ones standing by, more leaves them nothing.
weigh() {
  come=100% go=1
  [ "$1" -le 100 ] || go=0
  [ "$1" -lt 100 ] || return 0
  local to=$(($1 * $3)) from=$(((100 - $1) * $2))
  if [ "$to" -le "$from" ]; then
    come=$((256 * to / from)) go=256
    [ "$come" -gt 0 ] || come=1
  else go=$(((256 * from + to - 1) / to)); fi
}
seen_up() { look && [ "$(servers "$1" "$2" | grep -c ' UP')" -ge "$3" ]; }
idle() { look && ! servers "$1" "$2" | grep -qv ' 0$'; }
