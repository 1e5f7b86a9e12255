# Tells the projects of the containers that were made in a folder, a line for each container, unless a release of ours
# serves: then it is known whose they are.
#: docker[]  the engine's words
#: filter    the label of containers that were made there
#: format    of a container's project
#: current   the file that names the release that serves
[ ! -s "$current" ] || exit 0
exec "${docker[@]}" ps --all --filter "$filter" --format "$format"
