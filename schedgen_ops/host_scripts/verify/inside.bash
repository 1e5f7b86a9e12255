# Runs its arguments, a program and its own, in a service's container. Ends with 69 where none runs.
#: docker[] the engine's words
#: project  the name of the Compose project
#: service  its name
source lib/docker.bash

read -r id < <(listed_ids --filter "label=com.docker.compose.project=$project" \
  --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False) || {
  echo "no container of $service runs" >&2
  exit 69
}
exec "${docker[@]}" exec -i "$id" "$@"
