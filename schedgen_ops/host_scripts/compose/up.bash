# Replaces a service's containers where they are, and waits until they are healthy; without a healthcheck, until they
# listen where those before them did.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the release's own definition
#: project   the compose project
#: service   its name
#: deadline  seconds to wait at most
#: scale[]   `--scale` and how many containers it is to have; none leaves that to the definition
#: asked[]   ports of the host that are known to be its own, for one on the host's network
source lib/rollout.bash

# What is left of it when the connection dies, recovery replaces.
trap - HUP PIPE
find_ids old "$service" || exit
note_listening "${old[@]}"
began=$SECONDS
"${compose[@]}" up --detach --no-deps --no-build --force-recreate --pull never \
  --wait --wait-timeout "$deadline" "${scale[@]}" "$service" || exit
find_ids new "$service" || exit
[ "${#new[@]}" -eq 0 ] || healthy "$((deadline - (SECONDS - began)))" "${new[@]}" || {
  echo "$reason" >&2
  exit 1
}
