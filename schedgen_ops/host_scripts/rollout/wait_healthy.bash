# Waits until containers are well; fails as soon as one is not, and says why.
#: docker[]     the engine's words
#: containers[] their ids
#: limit        seconds until they must be healthy
source lib/rollout.bash

healthy "$limit" "${containers[@]}" || {
  echo "$reason" >&2
  exit 1
}
