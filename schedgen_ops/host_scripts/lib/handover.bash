# How the published ports change hands. `docker`, `compose`, `project`, `ingress`, `folder`, `limit` and `stopped`
# are the caller's: the words of the engine and of `docker compose`, the ingress's container, its folder, seconds
# until a container must be healthy, and the record of what was stopped for its ports.
# shellcheck disable=SC2034 # `noted` and `trial` are read by who calls
source lib/rollout.bash
source lib/proxy.bash

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
# Within the one limit that all of it has, from when the script began.
all_well() { [ "$#" -eq 0 ] || healthy "$((limit - SECONDS))" "$@"; }
# Who had the ports has them again, and what was made to come after them goes.
take_back() {
  { [ -z "$ingress" ] || remove "$ingress"; } && end_trials &&
    start_all "${noted[@]}" && all_well "${noted[@]}" && remove "${plain[@]}" || return
  ingress='' plain=()
  rm -f "$stopped"
}
# For `asks`: a container without a healthcheck answers once the ingress gets through to it.
answers_ingress() {
  reason="it does not reach the services"
  proxy_answering
}
# try_out CONTAINER...: an ingress without ports finds them all, or shows that it cannot, while the ports still answer.
# The one that gets them begins with what this one learned.
try_out() {
  local fine='' trial ingress asks=answers_ingress
  reason="it does not reach the services"
  end_trials && "${compose[@]}" run --detach --no-deps schedgen-ingress > /dev/null && trials &&
    ingress=${trial[0]-} && [ -n "$ingress" ] && all_well "$@" && within 20 answers_ingress &&
    proxy_learned && fine=yes
  end_trials && [ -n "$fine" ]
}
