# Removes services of a stack, and waits until the Swarm has them no more; all of the stack without any. What a manager
# does not tell is no end.
#: services[] their names
#: limit      seconds
source lib/swarm.bash

# What of them a manager has still: services, and all of the stack's networks.
there() {
  local said name
  said=$("${docker[@]}" service ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}') || return
  if [ "${#services[@]}" -eq 0 ]; then
    printf '%s\n' "$said" | sed '/^$/d'
    "${docker[@]}" network ls -q --filter "label=com.docker.stack.namespace=$stack"
  else
    for name in "${services[@]}"; do ! grep -qxF "${stack}_$name" <<< "$said" || printf '%s\n' "${stack}_$name"; done
  fi
}
if [ "${#services[@]}" -eq 0 ]; then
  led "${docker[@]}" stack rm "$stack" || exit
else
  said=$(led there) || exit
  having=()
  while read -r name; do case $name in "${stack}_"*) having+=("$name") ;; esac done <<< "$said"
  [ "${#having[@]}" -eq 0 ] || led "${docker[@]}" service rm "${having[@]}" || exit
fi
for ((end = SECONDS + limit; SECONDS < end; )); do
  left=$(there 2>&1) && [ -z "$left" ] && exit 0
  [ "${#services[@]}" -gt 0 ] || "${docker[@]}" stack rm "$stack" > /dev/null 2>&1
  sleep 0.5
done
echo "after $limit s parts of $stack are still there: $(tr '\n' ' ' <<< "$left")" >&2
exit 1
