# Ends canaries, which have our mark: waits until none of their containers runs, and removes them. What a lost node had is not
# waited for.
#: services[] their names
#: limit      seconds for their end
source lib/swarm.bash

said=$(led "${docker[@]}" service ls --filter label=schedgen.canary --filter "label=com.docker.stack.namespace=$stack" \
  --format '{{.Name}}') || exit
there=()
for name in "${services[@]}"; do ! grep -qxF "${stack}_$name" <<< "$said" || there+=("$name"); done
[ "${#there[@]}" -gt 0 ] || exit 0
canaries=("${there[@]/#/${stack}_}")
led "${docker[@]}" service scale --detach "${canaries[@]/%/=0}" > /dev/null || exit
for ((end = SECONDS + limit; SECONDS < end; )); do
  running=$(left "${there[@]}") && [ -z "$running" ] && break
  sleep 0.2
done
led "${docker[@]}" service rm "${canaries[@]}" > /dev/null
