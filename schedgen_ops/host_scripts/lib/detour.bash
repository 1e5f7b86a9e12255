# New connections for the published ports are led past them while these change hands: to an ingress that is tried out
# on free ports of the host's loopback. Rules of the host's packet filter lead there, for as long as a container runs
# that holds them: they end with the engine, and a host that starts has none. Who is connected stays connected.
# `docker`, `project`, `ingress` and `trial` are the caller's, and `detour_noted`, the record of it.
# shellcheck disable=SC2034 # `reason` is read by who calls
embed rollout/detour.sh

detour_name=$project-schedgen-detour
detour_limit=900

# ports_of FIELD CONTAINER...: mappings of TCP ports, a line each: TARGET PORT ADDRESS, "" for all addresses.
ports_of() {
  local field=$1 format line
  local mapping='^([0-9]+)/tcp \{"HostIp":"([^"]*)","HostPort":"([0-9]+)"\}$'
  shift
  # shellcheck disable=SC2016 # Docker expands it
  format="{{range \$target, \$_ := .$field}}{{range .}}{{\$target}} {{json .}}{{println}}{{end}}{{end}}"
  present "$format" "$@" | while IFS= read -r line; do
    ! [[ $line =~ $mapping ]] || echo "${BASH_REMATCH[1]} ${BASH_REMATCH[3]} ${BASH_REMATCH[2]}"
  done
}
# families ADDRESS PORT: 4 and 6, as that is published: all addresses are those of IPv6 too where Docker has it so, which
# `sixes` tells, the ports that it publishes there now, " " around each.
families() {
  case $1 in
    '') [[ $sixes != *" $2 "* ]] || echo 6 && echo 4 ;;
    *:*) echo 6 ;;
    *) echo 4 ;;
  esac
}
# detour_publish CONTAINER...: what an ingress publishes that takes the requests meanwhile, onto the array `publish`, as
# `docker compose run` is told. These have the ports now.
detour_publish() {
  local target port address family
  sixes=' '
  while read -r _ port address; do
    case $address in *:*) sixes+="$port " ;; esac
  done < <(ports_of NetworkSettings.Ports "$@")
  while read -r target port address; do
    for family in $(families "$address" "$port"); do
      case $family in
        4) publish+=(--publish "127.0.0.1::$target") ;;
        6) publish+=(--publish "[::1]::$target") ;;
      esac
    done
  done < <(ports_of HostConfig.PortBindings "$ingress")
}
# detour_run LIMIT WORD...: the rules, set or taken away by a container on the host's network and file system, from the
# image whose id is noted.
detour_run() {
  local chain
  chain=SCHEDGEN-$(printf %s "$project" | cksum | tr -dc 0-9 | head -c 10)
  "${docker[@]}" run --rm --pull never --name "$detour_name" --network host --userns host --user 0 \
    --cap-add NET_ADMIN --cap-add NET_RAW --security-opt label=disable --volume /:/host \
    --entrypoint chroot "$(< "$detour_noted")" /host sh -c "$detour_sh" sh "$1" "$chain" "${@:2}" 2>&1
}
# Fails with a `reason` where the host does not let that be done; then nothing is led anywhere.
detour() {
  local target port address family free each said words=()
  local -A frees=()
  while read -r target free address; do
    case $address in *:*) frees["6/$target"]=$free ;; *) frees["4/$target"]=$free ;; esac
  done < <(ports_of NetworkSettings.Ports "$trial")
  while read -r target port address; do
    for family in $(families "$address" "$port"); do
      free=${frees["$family/$target"]-}
      reason="no free port was found"
      [ -n "$free" ] || return
      case $address in '' | 0.0.0.0 | ::) each=- ;; *) each=$address ;; esac
      words+=("$family" "$each" "$port" "$free")
    done
  done < <(ports_of HostConfig.PortBindings "$ingress")
  reason="nothing is published"
  [ "${#words[@]}" -gt 0 ] && mkdir -p "${detour_noted%/*}" &&
    "${docker[@]}" inspect --format '{{.Image}}' "$ingress" > "$detour_noted" || return
  exec {detour}< <(let_go && detour_run "$detour_limit" "${words[@]}")
  IFS= read -r -t 30 said <&"$detour"
  [ "$said" != open ] || return 0
  reason=${said:-"it does not answer"}
  end_detour
  return 1
}
# What a script left that was killed is taken away too: a container that was killed has left its rules.
end_detour() {
  [ -e "$detour_noted" ] || return 0
  [ -z "${detour-}" ] || exec {detour}<&-
  "${docker[@]}" stop "$detour_name" > /dev/null 2>&1 || {
    "${docker[@]}" rm --force "$detour_name" > /dev/null 2>&1
    detour_run 0 > /dev/null || return
  }
  rm -f "$detour_noted"
}
