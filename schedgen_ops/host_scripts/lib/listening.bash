# What is seen of a container without a healthcheck, which Docker calls well as soon as it runs: where it listens. The
# table of sockets of its network tells that from outside: the container needs no tool, and gets no connection, which
# may be the only one that it takes. A container on another's network, or one that cannot be looked into, tells
# nothing; one on the host's own has the ports `asked` for, an array, those of the checks that are its. `docker` has
# the engine's words; `listened` is the caller's, and what is expected:
#   " 80 81 "  who is replaced listens there
#   " "        who is replaced listens nowhere
#   any        it has to listen somewhere
#   ""         nothing is known but the ports that the container names: of its image, `expose`, `ports`
# shellcheck disable=SC2034 # `reason` is read by who calls
source lib/docker.bash

# Seconds of running where that is all that can be seen; and for what listens, but not where it is expected.
ran_enough=5 elsewhere_enough=30
listened=''

# A line for each: ID HEALTH STARTED NETWORK PUBLISHED PORTS PID, of which PORTS has a comma behind each.
sockets() {
  local format='{{.ID}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.StartedAt}} '
  format+='{{.HostConfig.NetworkMode}} {{len .HostConfig.PortBindings}} '
  # shellcheck disable=SC2016 # Docker expands it
  format+='{{range $port, $_ := .Config.ExposedPorts}}{{$port}},{{end}}- {{.State.Pid}}'
  present "$format" "$@"
}
# listening NETWORK PID: the TCP ports at which others reach a container into `ports`, " " around each; fails where
# that is not seen.
listening() {
  local at state
  ports=' '
  case $1 in
    container:*) return 1 ;;
    host) [ -n "${asked[*]-}" ] || return ;;
  esac
  [ -r "/proc/$2/net/tcp" ] || return
  while read -r _ at _ state _; do
    # On its loopback it is there for itself.
    case $state:$1:${at%:*} in
      0A:host:*) case " ${asked[*]} " in *" $((16#${at##*:})) "*) ports+="$((16#${at##*:})) " ;; esac ;;
      *7F | *:00000000000000000000000001000000) ;;
      0A:*) ports+="$((16#${at##*:})) " ;;
    esac
  done < <(grep -hs ' 0A ' "/proc/$2/net/tcp" "/proc/$2/net/tcp6")
}
# Whose network others use: `container:ID` a line.
networks_lent() {
  local ids
  mapfile -t ids < <("${docker[@]}" ps --quiet 2> /dev/null)
  [ "${#ids[@]}" -eq 0 ] || present '{{.HostConfig.NetworkMode}}' "${ids[@]}" 2> /dev/null
}
# note_listening CONTAINER...: where containers listen that are about to go, into `listened`.
note_listening() {
  local id network ports pid lent
  listened=''
  [ "$#" -gt 0 ] || return 0
  lent=$(networks_lent)
  while read -r id _ _ network _ _ pid; do
    # What listens in a network that others use may be theirs: they come back after it.
    [[ $lent$'\n' != *"container:$id"$'\n'* ]] || continue
    ! listening "$network" "$pid" || listened+=$ports
  done < <(sockets "$@" 2> /dev/null)
}

# listens_well CONTAINER...: 0 those without a healthcheck are seen well, 1 not yet, 2 one is not, 3 not known; the
# latter with a `reason`. With `late` there is no more time.
declare -A started_at=() seen_since=() ports_were=() ports_since=() good_since=()
listens_well() {
  local said id health started network published named pid ports result=0
  said=$(sockets "$@") || {
    reason="Docker does not tell how it is"
    return 3
  }
  while read -r id health started network published named pid; do
    [ "$health" = none ] || continue
    ! is_in "$id" "${ending[@]}" || continue
    [ "${started_at[$id]-$started}" = "$started" ] || {
      reason="ended, and was started again"
      return 2
    }
    started_at[$id]=$started
    named=${named%-}
    : "${seen_since[$id]:=$SECONDS}"
    [ "$network" != host ] || named+=${asked[*]/%//tcp,}
    if ! listening "$network" "$pid"; then
      ran "$ran_enough" || result=1
      continue
    fi
    [ "${ports_were[$id]-}" = "$ports" ] || ports_since[$id]=$SECONDS
    ports_were[$id]=$ports
    listens_enough || result=1
  done <<< "$said"
  return "$result"
}
# The rest is of one container, and has the values of `listens_well`.
ran() {
  reason="had not run for ${1}s"
  [ -n "${late-}" ] || [ "$((SECONDS - seen_since[$id]))" -ge "$1" ]
}
listens_enough() {
  local tcp='' wanted=''
  expect
  if ! reached; then
    good_since[$id]=''
  elif [ -z "${good_since[$id]-}" ]; then
    good_since[$id]=$SECONDS
  fi
  if [ -n "${good_since[$id]}" ]; then
    # An answer that lasts, if only for a second.
    reason="had not listened for a second"
    [ -n "${late-}" ] || [ "$((SECONDS - good_since[$id]))" -ge 1 ]
  elif [ "$listened" = any ]; then
    reason="listened on no port"
    return 1
  elif [ -z "$wanted" ]; then
    ran "$ran_enough"
  elif [ "$ports" != ' ' ]; then
    # Its port moved, or is gone; or it is the last one to come.
    reason="did not listen on port ${wanted// /, }"
    [ -n "${late-}" ] || { elsewhere && [ "$((SECONDS - ports_since[$id]))" -ge "$elsewhere_enough" ]; }
  elif [ -n "$listened" ]; then
    reason="listened on no port (what it replaces: ${wanted// /, })"
    return 1
  elif [ "$published" -gt 0 ]; then
    reason="listened on no port"
    [ -n "${late-}" ]
  else
    # What an image names is no promise: a worker may run from the image of a server.
    ran "$elsewhere_enough"
  fi
}
# High ports that nobody names are at random as likely as not.
fixed() { [ "$1" -lt 32768 ] || case $tcp in *" $1 "*) ;; *) return 1 ;; esac }
elsewhere() {
  local port
  for port in $ports; do
    case " $wanted " in *" $port "*) ;; *) ! fixed "$port" || return 0 ;; esac
  done
  return 1
}
# Into `wanted`, where it has to listen.
expect() {
  local port
  for port in ${named//,/ }; do case $port in */tcp) tcp+=" ${port%/tcp} " ;; esac done
  case $listened in
    *[0-9]*)
      for port in $listened; do ! fixed "$port" || wanted+=" $port"; done
      wanted=${wanted:-$listened}
      ;;
    '') wanted=$tcp ;;
  esac
  [ -n "${wanted// /}" ] || {
    wanted=''
    return
  }
  # shellcheck disable=SC2086 # a list of numbers
  wanted=$(printf '%s\n' $wanted | sort -un | tr '\n' ' ')
  wanted=${wanted% }
}
# Everywhere where what it replaces does; else on one of the ports that it names.
reached() {
  local port seen=''
  [ "$listened" != any ] || {
    [ "$ports" != ' ' ]
    return
  }
  for port in $wanted; do
    case $ports in
      *" $port "*) seen=yes ;;
      *) [ -z "$listened" ] || return 1 ;;
    esac
  done
  [ -n "$seen" ]
}
