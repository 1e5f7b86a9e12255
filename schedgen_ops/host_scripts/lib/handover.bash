# How the published ports change hands. `docker`, `compose`, `project`, `ingress`, `folder`, `limit`, `stopped` and
# `detour_noted` are the caller's: the words of the engine and of `docker compose`, the ingress's container, its folder,
# seconds until a container must be healthy, and the records of what was stopped for its ports, and of a detour.
# shellcheck disable=SC2034 # `noted` and `reason` are read by who calls
source lib/rollout.bash
source lib/proxy.bash
source lib/detour.bash
source lib/http.bash

# The ids of what was stopped and is still there, into the array `noted`.
what_was_stopped() {
  local said
  noted=()
  [ -s "$stopped" ] || return 0
  # shellcheck disable=SC2046 # a list of ids
  said=$(present '{{.Id}}' $(< "$stopped")) || return
  mapfile -t noted < <(grep . <<< "$said")
}
# Those of a service that its owner made, with ports of their own or called by name, onto the array `old`, ours, which
# have neither, onto `plain`.
sort_out() {
  local id ports mark said
  find_ids some "$1" || return
  [ "${#some[@]}" -gt 0 ] || return 0
  said=$(present '{{.Id}} {{len .HostConfig.PortBindings}} {{index .Config.Labels "schedgen.release"}}' \
    "${some[@]}") || return
  while read -r id ports mark; do
    if [ "${ports:-0}" -gt 0 ] || [ -z "$mark" ]; then old+=("$id"); else plain+=("$id"); fi
  done <<< "$said"
}
# An ingress that is tried out is a one-off container of Compose's: that is how it is known, by no name.
trials() {
  local oneoff=True
  find_ids tried schedgen-ingress && trial=${tried[0]-}
}
# What it has begun goes on until its time to stop is over.
end_trials() {
  local tried
  trials && stop_and_remove "${tried[@]}"
}
# Within the one limit that all of it has, from when the script began.
all_well() { [ "$#" -eq 0 ] || healthy "$((limit - SECONDS))" "$@"; }
# Who had the ports has them again, and what was made to come after them goes.
take_back() {
  { [ -z "$ingress" ] || remove "$ingress"; } &&
    start_all "${noted[@]}" && all_well "${noted[@]}" && end_tries && remove "${plain[@]}" || return
  ingress='' plain=()
  rm -f "$stopped"
}
# For `give_up`, the caller's: one of its `new` containers is not well, and has said why.
unwell() {
  local id
  for id in "${new[@]}"; do last_words "$id" 50 >&2; done
  give_up "$reason"
}
# Nobody needs what took the requests meanwhile.
end_tries() { end_detour && end_trials; }
# For `asks`: a container without a healthcheck answers once the ingress gets through to it.
answers_ingress() {
  reason="it does not reach the services"
  proxy_answering "${serving[@]}"
}
# try_out CONTAINER...: an ingress without the ports finds them all, or shows that it cannot, while the ports still
# answer; with routes in the array `serving`, what these lead to. It stays, as `trial`; the one that gets them begins with
# what this one learned.
serving=()
try_out() {
  local fine='' real=$ingress asks=answers_ingress publish=()
  reason="it does not reach the services"
  end_trials && detour_publish "${old[@]}" && run_trial && ingress=$trial &&
    all_well "$@" && within 20 answers_ingress && proxy_learned && fine=yes
  ingress=$real
  [ -n "$fine" ] || {
    end_trials
    return 1
  }
}
# tried_at URL: the same URL at the port of the loopback where the one that is tried out answers for it, as the same visitor
# asks; nothing where there is none. `given` and `tried` are the caller's: the mappings of the one that is to have the ports,
# and of the one that is tried out.
tried_at() {
  local visited_at visited_as scheme rest to host port target published address leads='' free
  visited "$1"
  scheme=${visited_at%%://*} rest=${visited_at#*://}
  to=${rest%%[/?]*} port=80
  host=$to rest=${rest#"$to"}
  [ "$scheme" = http ] || port=443
  [[ ! $to =~ ^(.*):([0-9]+)$ ]] || host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  host=${host//[][]/}
  [ "$host" != localhost ] || host=127.0.0.1
  while read -r target published address; do
    [ "$published" = "$port" ] || continue
    case $address in '' | 0.0.0.0 | ::) leads=${leads:-$target} ;; "$host") leads=$target ;; esac
  done <<< "$given"
  while read -r target free address; do
    [ "$target $address" != "$leads 127.0.0.1" ] ||
      echo "$scheme://127.0.0.1:$free$rest#host=${visited_as:-$to}"
  done <<< "$tried"
}
passes() {
  said=$(check "$through" "$seconds" "$status")
  [ "$said" = good ]
}
# gets_through CHECK...: each that who has the ports passes is passed through the one that is tried out too, as it is
# written: SECONDS STATUS URL, see `check`. Else it is said with a `reason`.
gets_through() {
  local each seconds status url through said given tried
  given=$(ports_of HostConfig.PortBindings "$ingress") tried=$(ports_of NetworkSettings.Ports "$trial")
  for each; do
    read -r seconds status url <<< "$each"
    through=$(tried_at "$url")
    [ -n "$through" ] && [ "$(check "$url" "$seconds" "$status")" = good ] || continue
    # On a busy machine one answer may be late.
    within 10 passes || {
      reason="${url%%'#'*} passes its check, and does not through it: ${said#bad * }"
      return 1
    }
  done
}
# Free ports are not worth failing for.
run_trial() {
  "${compose[@]}" run --detach --no-deps "${publish[@]}" schedgen-ingress > /dev/null 2>&1 ||
    { end_trials && "${compose[@]}" run --detach --no-deps schedgen-ingress > /dev/null; } || return
  trials && [ -n "$trial" ]
}

# Those that containers of the project have, as the kernel's tables of sockets end theirs.
own_peers() {
  local ids address numbers
  ids=$("${docker[@]}" ps --quiet --filter "label=com.docker.compose.project=$project") || return
  # shellcheck disable=SC2086 # a list of ids
  for address in 127.0.0.1 $(addresses $ids); do
    IFS=. read -r -a numbers <<< "$address"
    [ "${#numbers[@]}" -ne 4 ] ||
      printf '%02X%02X%02X%02X ' "${numbers[3]}" "${numbers[2]}" "${numbers[1]}" "${numbers[0]}"
  done
}
# nobody_connected: no visitor is connected to what stands in `had_ports`, lines of `sockets`. Who is of the project is
# none, and sees for itself to a connection that ends.
nobody_connected() {
  local network pid at from state ports
  while read -r _ _ _ network _ _ pid; do
    listening "$network" "$pid" || continue
    while read -r _ at from state _; do
      case $ports in *" $((16#${at##*:})) "*) ;; *) continue ;; esac
      from=${from%:*}
      case " $own " in *" ${from: -8} "*) ;; *) return 1 ;; esac
    done < <(grep -hs ' 01 ' "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6")
  done <<< "$had_ports"
}
# let_end SECONDS CONTAINER...: what visitors have begun there ends, or the time is over.
let_end() {
  local own had_ports seconds=$1
  shift
  own=$(own_peers) && had_ports=$(sockets "$@") || return
  within "$seconds" nobody_connected
}
