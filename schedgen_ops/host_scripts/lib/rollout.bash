# What works on a service's containers. `docker` has the engine's words, an array; `project` and `old` are the
# caller's, and `ending`: the ids of jobs, which are well once they have ended with 0; and `eager`, "yes" where the
# healthcheck of one that is starting is made at once: Docker calls it healthy later.
# shellcheck disable=SC2034 # `reason` is read by who calls
source lib/alone.bash
source lib/stopped.bash
source lib/within.bash
source lib/listening.bash
source lib/own_check.bash

# Whoever listens may be gone; what was begun is ended.
trap '' HUP PIPE
say() { printf 'say %s\n' "$*" 2> /dev/null || :; }
state() { present \
  '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.ID}}' "$@"; }
# The addresses of a container as `docker inspect` tells them, each behind a space.
at_addresses='{{range .NetworkSettings.Networks}} {{.IPAddress}}{{with .GlobalIPv6Address}} {{.}}{{end}}{{end}}'
addresses() { [ "$#" -eq 0 ] || "${docker[@]}" inspect --format "$at_addresses" "$@" | tr -d '\n'; }
restart_policy() { "${docker[@]}" inspect --format \
  '{{with .HostConfig.RestartPolicy}}{{.Name}}{{with .MaximumRetryCount}}:{{.}}{{end}}{{end}}' "$1"; }
ids_of() {
  local name=$1
  shift
  listed_ids --all --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$name" \
    --filter "label=com.docker.compose.oneoff=${oneoff:-False}" "$@"
}
# The output of a command that asks Docker, into `answered`; fails where Docker does not tell: none is another answer.
asked() {
  local end=$((SECONDS + 60))
  until answered=$("$@" 2>&1); do
    is_away "$answered" && [ "$SECONDS" -lt "$end" ] || {
      printf '%s\n' "${answered##*$'\n'}" >&2
      return 1
    }
    sleep 1
  done
}
# Those ids into the array $1.
find_ids() {
  local -n found=$1
  shift
  asked ids_of "$@" && mapfile -t found < <(grep -xE '[0-9a-f]+' <<< "$answered")
}
# The ingress's container into `ingress`, "" for none.
find_ingress() {
  local gates
  find_ids gates schedgen-ingress && ingress=${gates[0]-}
}
# look_up SERVICE [RELEASE]: what `find_ingress` finds, the service's containers into the array `every` and those of the
# release into `its`, the newest first, by one question: each costs a program that starts.
look_up() {
  local label=com.docker.compose id name of release
  every=() its=() ingress=
  asked "${docker[@]}" ps --all --no-trunc --filter "label=$label.project=$project" --filter "label=$label.oneoff=False" \
    --format "{{.ID}} {{.Names}} {{.Label \"$label.service\"}} {{.Label \"schedgen.release\"}}" || return
  while read -r id name of release; do
    [[ $id =~ ^[0-9a-f]+$ ]] && [[ $name != *"$standby_mark" ]] || continue
    case $of in
      "$1")
        every+=("$id")
        [ "$release" != "${2-}" ] || its+=("$id")
        ;;
      schedgen-ingress) ingress=${ingress:-$id} ;;
    esac
  done <<< "$answered"
}
is_in() {
  local each wanted=$1
  shift
  for each; do [ "$each" != "$wanted" ] || return 0; done
  return 1
}
# Whether a container was there before: `old` has the ids of those.
is_old() { is_in "$1" "${old[@]}"; }
# The last $2 lines of container $1; what the engine says of a log that it cannot read is no line of its.
last_words() {
  local said driver
  if said=$("${docker[@]}" logs --tail "$2" "$1" 2>&1); then
    printf '%s\n' "$said"
    return
  fi
  driver=$("${docker[@]}" inspect --format '{{.HostConfig.LogConfig.Type}}' "$1" 2> /dev/null)
  echo "its log cannot be read (logging driver ${driver:-unknown})"
}
stop_and_remove() { [ "$#" -eq 0 ] || {
  "${docker[@]}" stop "$@" > /dev/null
  remove "$@"
}; }
# Fails unless they are gone, whoever removed them.
remove() {
  local left
  [ "$#" -eq 0 ] || "${docker[@]}" rm --force "$@" > /dev/null ||
    { left=$(present '{{.Id}}' "$@") && [ -z "$left" ]; } ||
    {
      echo "containers could not be removed" >&2
      return 1
    }
}
# 0 all well, 1 not yet, 2 one is not, 3 not known. `unchecked` says whether one runs that has no healthcheck.
verdict() {
  local all=0 seen=0 status health code id said
  unchecked=''
  said=$(state "$@") || {
    reason="Docker does not tell how it is"
    return 3
  }
  while read -r status health code id; do
    [ -n "$status" ] || continue
    seen=$((seen + 1))
    is_in "$id" "${ending[@]}" && case $status:$code in
      exited:0) continue ;;
      created:* | running:* | restarting:*)
        all=1 reason="had not ended"
        continue
        ;;
    esac
    case $status:$health in
      running:healthy) ;;
      running:none) unchecked=yes ;;
      running:starting | created:* | restarting:starting)
        { [ "${eager-}:$status" = yes:running ] && passes_itself "$id"; } || all=1 reason="was not healthy"
        ;;
      running:unhealthy)
        reason="is unhealthy"
        return 2
        ;;
      *)
        reason="ended with exit code ${code:-unknown}"
        return 2
        ;;
    esac
  done <<< "$said"
  [ "$seen" -eq "$#" ] || {
    reason="is gone"
    return 2
  }
  return "$all"
}
# `healthy` ends well when every container is seen healthy, and what has no healthcheck as `asks` has it: a function
# that is given them all, and tells as `verdict` does; without one, where they listen. It ends with a reason as soon
# as one dies or Docker calls it unhealthy: the engine's events wake it. They end by themselves at its limit and hold
# none of its outputs and locks, because who needs sudo for `docker` cannot end them. They end with the engine too: then they
# are asked for again, and what cannot be seen is neither good nor bad.
healthy() {
  local limit=$1 result events until now late='' pause
  shift
  [ "$limit" -gt 0 ] || limit=1
  printf -v until '%(%s)T' -1
  until=$((until + limit))
  listen() {
    exec 3< <(let_go && exec "${docker[@]}" events --until "$until" --filter event=health_status \
      --filter event=die "${@/#/--filter=container=}" --format '{{.Action}}' 2> /dev/null)
    events=$!
  }
  judge() {
    local began=${EPOCHREALTIME/[.,]/} took
    verdict "$@"
    result=$?
    pause=1
    [ -z "${eager-}" ] || {
      # On a busy machine a look takes longer: what starts needs the processor more.
      took=$((${EPOCHREALTIME/[.,]/} - began))
      printf -v pause '0.%06d' "$((took < 300000 ? 300000 : took > 999999 ? 999999 : took))"
    }
    [ "$result" -ne 0 ] || [ -z "$unchecked" ] || {
      # Docker has no event for it, and the ingress is asked with little effort.
      [ -z "${asks-}" ] || pause=0.3
      "${asks:-listens_well}" "$@"
      result=$?
    }
  }
  listen "$@"
  while :; do
    judge "$@"
    [ "$result" -eq 1 ] || [ "$result" -eq 3 ] || break
    read -r -t "$pause" <&3
    [ $? -eq 1 ] || continue
    printf -v now '%(%s)T' -1
    [ "$now" -lt "$until" ] || {
      late=yes
      judge "$@"
      [ "$result" -ne 1 ] || reason+=" after ${limit}s"
      [ "$result" -eq 0 ] || result=2
      break
    }
    sleep 1
    exec 3<&-
    listen "$@"
  done
  kill "$events" 2> /dev/null
  exec 3<&-
  return "$result"
}
# For `asks`: whether the ingress sees `count` containers at the addresses `here`. `proxies` are the routes to them.
ingress_sees() {
  local route
  for route in "${proxies[@]}"; do
    proxy_seen_up "$route" "$here" "$count" || {
      reason="is not seen by the ingress on port ${route##*[_:]}"
      return 1
    }
  done
}
