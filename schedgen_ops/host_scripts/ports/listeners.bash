# Where the containers of a project listen, as lib/listeners.bash tells it; changes nothing.
#: docker[] the engine's words
#: project  the compose project
source lib/listeners.bash

mapfile -t running < <(listed_ids --filter "label=com.docker.compose.project=$project" \
  --filter label=com.docker.compose.oneoff=False)
tell_listeners "${running[@]}"
exit 0
