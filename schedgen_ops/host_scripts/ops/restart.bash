# Restarts containers, and waits until all of them are well.
#: docker[]     the engine's words
#: containers[] their ids
#: ending[]     those of them that are jobs: they are well once they have ended
#: limit        seconds until they must be healthy
source lib/rollout.bash

note_listening "${containers[@]}"
"${docker[@]}" restart "${containers[@]}" > /dev/null || exit
healthy "$limit" "${containers[@]}" || {
  echo "$reason" >&2
  exit 1
}
