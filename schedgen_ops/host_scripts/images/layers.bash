# Tells of every image its id, its platform and its layers, as Docker lists them, a line each; before that, with "-" for
# the id and no layers, the platform of the engine.
#: docker[]  the engine's words
source lib/docker.bash

"${docker[@]}" version --format '- {{.Server.Os}}/{{.Server.Arch}} []' || exit
ids=$("${docker[@]}" image ls --quiet --no-trunc | sort -u) || exit
# shellcheck disable=SC2086 # a list of ids
[ -z "$ids" ] || present '{{.Id}} {{.Os}}/{{.Architecture}} {{json .RootFS.Layers}}' $ids
