# Where others reach containers that run and hold nothing. `docker` has the engine's words.
source lib/listening.bash
source lib/others_reach.bash

# tell_listeners CONTAINER...: a line each, with tabs between: listens SERVICE ADDRESS UDP PORT... ADDRESS is that on a network
# of containers, UDP 1 where it listens for that, else 0, PORT a TCP port. Nothing is told of what has the host's network, a
# volume, or no address.
tell_listeners() {
  local reached service network pid kept address udp port asked=()
  # shellcheck disable=SC2016 # the engine expands it
  reached='{{index .Config.Labels "com.docker.compose.service"}} {{.HostConfig.NetworkMode}} {{.State.Pid}}
{{- $kept := ""}}{{range .Mounts}}{{if eq .Type "volume"}}{{$kept = "kept"}}{{end}}{{end}} {{or $kept "-"}}
{{- range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}'
  [ "$#" -eq 0 ] || while read -r service network pid kept address _; do
    [ "$kept$address" = "-${address:-none}" ] || continue
    listening "$network" "$pid" || continue
    udp=0
    ! others_reach "$pid" udp udp6 || udp=1
    printf 'listens\t%s\t%s\t%s' "$service" "$address" "$udp"
    for port in $ports; do printf '\t%s' "$port"; done
    echo
  done < <(present "$reached" "$@")
}
