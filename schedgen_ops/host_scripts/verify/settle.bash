# Ends with the first container that dies, or when the youngest is seen to be old enough: the engine tells,
# nobody polls. Its stream of events also ends with the engine; what it did not tell is seen by who still runs,
# and since when. What cannot be seen for too long is not known, and no good end.
#: docker[]     the engine's words
#: containers[] their ids
#: settle       seconds that each is to have run
source lib/docker.bash

printf -v limit '%(%s)T' -1
limit=$((limit + 2 * settle + 30)) since='' asked=''
format='{{.State.StartedAt}}{{if ne .State.Status "running"}} {{.Name}} {{.State.ExitCode}}{{end}}'
while :; do
  until=$limit
  if seen=$(present "$format" "${containers[@]}"); then
    [ "$(grep -c . <<< "$seen")" -eq "${#containers[@]}" ] || {
      echo "a container is gone" >&2
      exit 1
    }
    died=$(sed -n 's/^[^ ]* \/*//p' <<< "$seen" | head -n 1)
    [ -z "$died" ] || {
      echo "$died"
      exit 0
    }
    seen=$(sort <<< "$seen")
    since=${since:-$(head -n 1 <<< "$seen")}
    until=$(($(date -d "$(tail -n 1 <<< "$seen")" +%s) + settle)) || exit
    printf -v now '%(%s)T' -1
    [ -z "$asked" ] || [ "$now" -lt "$until" ] || exit 0
    exec 3< <(exec "${docker[@]}" events --since "$since" --until "$until" \
      --filter event=die "${containers[@]/#/--filter=container=}" \
      --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}')
    events=$! asked=yes
    if IFS= read -r died <&3; then
      kill "$events" 2> /dev/null
      echo "$died"
      exit 0
    fi
    exec 3<&-
  fi
  printf -v now '%(%s)T' -1
  [ "$now" -lt "$limit" ] || {
    echo "Docker does not tell" >&2
    exit 1
  }
  [ "$now" -ge "$until" ] || sleep 1
done
