# Ends canaries, which have our mark: waits until none of their containers runs, and removes them. What a lost node had is not
# waited for.
#: services[] their names
#: limit      seconds for their end
source lib/swarm.bash

said=$(led "${docker[@]}" service ls --filter label=schedgen.canary --filter "label=com.docker.stack.namespace=$stack" \
  --format '{{.Name}}') || exit
there=()
for name in "${services[@]}"; do ! grep -qxF "${stack}_$name" <<< "$said" || there+=("${stack}_$name"); done
[ "${#there[@]}" -gt 0 ] || exit 0
led "${docker[@]}" service scale --detach "${there[@]/%/=0}" > /dev/null || exit
down=$("${docker[@]}" node ls --format '{{.Hostname}} {{.Status}}' | awk '$2 == "Down" { printf " %s ", $1 }')
left() {
  "${docker[@]}" service ps --format '{{.Node}} {{.CurrentState}}' "${there[@]}" 2> /dev/null | awk -v down="$down" '
    !index(down, " " $1 " ") && $2 ~ /^(Running|Starting|Preparing|Ready|Accepted|Assigned)$/'
}
for ((end = SECONDS + limit; SECONDS < end; )); do
  [ -n "$(left)" ] || break
  sleep 0.2
done
led "${docker[@]}" service rm "${there[@]}" > /dev/null
