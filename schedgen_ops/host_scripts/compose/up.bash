# Replaces a service's containers where they are, and waits until they are healthy.
#: compose[] `docker compose` with the options for the release's own definition
#: service   its name
#: deadline  seconds to wait at most
#: scale[]   `--scale` and how many containers it is to have; none leaves that to the definition
exec "${compose[@]}" up --detach --no-deps --no-build --force-recreate --pull never \
  --wait --wait-timeout "$deadline" "${scale[@]}" "$service"
