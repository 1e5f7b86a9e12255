# Removes the containers of a service that are of a release, and no other.
#: docker[]  the engine's words
#: project   the compose project
#: service   the service's name
#: release   the release's id
source lib/alone_on_services.bash
source lib/rollout.bash

find_ids its "$service" --filter "label=schedgen.release=$release" && stop_and_remove "${its[@]}"
