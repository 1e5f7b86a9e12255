# How the published ports change hands. `docker`, `compose`, `project`, `ingress`, `folder`, `limit` and `stopped`
# are the caller's: the words of the engine and of `docker compose`, the ingress's container, its folder, seconds
# until a container must be healthy, and the record of what was stopped for its ports.
# shellcheck disable=SC2034 # `pid`, `noted` and `trial` are read by who calls
source lib/rollout.bash

is_in() {
  local each wanted=$1
  shift
  for each; do [ "$each" != "$wanted" ] || return 0; done
  return 1
}
# The ids of what was stopped and is still there, into the array `noted`.
what_was_stopped() {
  local said
  noted=()
  [ -s "$stopped" ] || return 0
  # shellcheck disable=SC2046 # a list of ids
  said=$(present '{{.Id}}' $(< "$stopped")) || return
  mapfile -t noted < <(grep . <<< "$said")
}
# Those of a service that publish ports themselves onto the array `old`, ours without them onto `plain`.
sort_out() {
  local id ports mark said
  find_ids some "$1" || return
  [ "${#some[@]}" -gt 0 ] || return 0
  said=$(present '{{.Id}} {{len .HostConfig.PortBindings}} {{index .Config.Labels "schedgen.release"}}' \
    "${some[@]}") || return
  while read -r id ports mark; do
    if [ "${ports:-0}" -gt 0 ]; then old+=("$id"); elif [ -n "$mark" ]; then plain+=("$id"); fi
  done <<< "$said"
}
# An ingress that is tried out is a one-off container of Compose's: that is how it is known, by no name.
trials() {
  local oneoff=True
  find_ids trial schedgen-ingress
}
end_trials() {
  local trial
  trials && remove "${trial[@]}"
}
all_well() { [ "$#" -eq 0 ] || healthy "$limit" "$@"; }
# Who had the ports has them again, and what was made to come after them goes.
take_back() {
  { [ -z "$ingress" ] || remove "$ingress"; } && end_trials &&
    start_all "${noted[@]}" && all_well "${noted[@]}" && remove "${plain[@]}" || return
  ingress='' plain=()
  rm -f "$stopped"
}
answering() {
  look
  awk -F, '
    $2 == "BACKEND" { some = 1; if ($18 != "UP") bad = 1 }
    END { exit !some || bad }' <<< "$stat"
}
worker() {
  ask 'show info'
  pid=$(sed -n 's/^Pid: //p' <<< "$answer")
}
# Another worker answers than $1: it has read what was handed down.
succeeded() {
  worker
  [ -n "$pid" ] && [ "$pid" != "$1" ]
}
hand_down() {
  ask 'show servers state'
  printf '%s\n' "$answer" > "$folder/servers.state"
  chmod 644 "$folder/servers.state"
}
# An ingress without ports: it finds everybody, or shows that it cannot, while the ports still answer. The one
# that gets them begins with what this one learned.
try_out() {
  local fine='' trial ingress
  end_trials && "${compose[@]}" run --detach --no-deps schedgen-ingress > /dev/null && trials &&
    ingress=${trial[0]-} && [ -n "$ingress" ] && within 20 answering && hand_down && fine=yes
  end_trials && [ -n "$fine" ]
}
# What a script that was killed left closed in the ingress is opened again.
reopen() {
  local all
  within 20 look && mapfile -t all < <(awk -F, '$2 ~ /^s[0-9]+$/ { print $1 "/" $2 }' <<< "$stat") || return
  order 'set server ' ' state ready' "${all[@]}"
  order 'set weight ' ' 100%' "${all[@]}"
  send
}
# A worker of the ingress that has read the new configuration, and knows whom the one before knew.
read_anew() {
  local was read_it
  hand_down
  worker
  was=$pid
  "${docker[@]}" kill --signal USR2 "$ingress" > /dev/null && within 20 succeeded "$was"
  read_it=$?
  rm -f "$folder/servers.state"
  return "$read_it"
}
