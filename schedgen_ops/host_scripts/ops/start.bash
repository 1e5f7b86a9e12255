# Starts containers, those that are paused too, and waits until all of them are well.
#: docker[]     the engine's words
#: containers[] their ids
#: ending[]     those of them that are jobs: they are well once they have ended
#: limit        seconds until they must be healthy
source lib/rollout.bash

paused=()
for id in "${containers[@]}"; do
  "${docker[@]}" unpause "$id" > /dev/null 2>&1 && paused+=("$id")
done
start_all "${containers[@]}" || exit
# While it was paused its health check failed: the next good one takes that back.
end=$((SECONDS + limit))
while [ "${#paused[@]}" -gt 0 ] && [[ $(state "${paused[@]}") == *unhealthy* ]] && [ "$SECONDS" -lt "$end" ]; do sleep 1; done
healthy "$limit" "${containers[@]}" || {
  echo "$reason" >&2
  exit 1
}
