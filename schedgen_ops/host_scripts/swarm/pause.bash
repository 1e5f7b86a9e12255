# Has services run nothing for a while. How many containers each is to have is noted before: `resume` gives it as many
# again. What is noted already stays as it is.
#: record     the file where that is noted
#: services[] their names
#: limit      seconds for their end, beside what they themselves ask for
source lib/files.bash
source lib/swarm.bash

umask 077
lines='' paused=() grace=0
format='{{with .Spec.Mode.Replicated}}{{.Replicas}}{{else}}everywhere{{end}} {{json .Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}'
for name in "${services[@]}"; do
  read -r count own < <("${docker[@]}" service inspect --format "$format" "${stack}_$name") || {
    echo "$name is no service of the stack" >&2
    exit 1
  }
  [ "$count" != everywhere ] || {
    echo "$name runs on every node, and cannot be stopped for a while" >&2
    exit 1
  }
  [[ $own != *[!0-9]* ]] || own=0
  [ $((own / 1000000000)) -le "$grace" ] || grace=$((own / 1000000000))
  paused+=("${stack}_$name")
  [ "$count" -eq 0 ] || grep -qs "^$name " "$record" || lines+="$name $count"$'\n'
done
[ -z "$lines" ] || {
  mkdir -p -- "${record%/*}" && { ! [ -e "$record" ] || cat -- "$record" && printf '%s' "$lines"; } > "$record.part" &&
    durable "$record.part" "$record"
} || {
  echo "what is to be stopped could not be noted" >&2
  exit 1
}
led "${docker[@]}" service scale --detach "${paused[@]/%/=0}" > /dev/null || exit
# Of what was on a node that is lost its last word is told for ever: nobody can wait for its end.
left() {
  local id name state lost
  lost=$("${docker[@]}" node ls --format '{{.ID}} {{.Status}}' 2> /dev/null | sed -n 's/ Down$//p')
  "${docker[@]}" service ps --no-trunc --format '{{.ID}} {{.Name}} {{.CurrentState}}' "${paused[@]}" 2> /dev/null |
    grep -E ' (Running|Starting|Preparing|Ready|Accepted|Assigned|Pending|New) ' |
    while read -r id name state; do
      [ -n "$lost" ] && grep -qxF "$("${docker[@]}" inspect --type task --format '{{.NodeID}}' "$id" 2> /dev/null)" <<< "$lost" ||
        echo "$name $state"
    done
}
for ((end = SECONDS + limit + grace; ; )); do
  still=$(left)
  [ -n "$still" ] || exit 0
  [ "$SECONDS" -lt "$end" ] || break
  sleep 0.3
done
echo "after $((limit + grace)) s there still run: $(tr '\n' ';' <<< "$still")" >&2
exit 1
