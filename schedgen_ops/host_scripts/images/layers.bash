# Tells of every image its id and its layers, as Docker lists them: a line each.
#: docker[]  the engine's words
source lib/docker.bash

ids=$("${docker[@]}" image ls --quiet --no-trunc | sort -u) || exit
# shellcheck disable=SC2086 # a list of ids
[ -z "$ids" ] || present '{{.Id}} {{json .RootFS.Layers}}' $ids
