# Makes a container that never runs, with the volumes of one that the Swarm is about to remove, and tells its id.
#: docker[]  the engine's words
#: name      what it is called
#: container whose volumes it gets
#: image     that container's
"${docker[@]}" rm --force "$name" > /dev/null 2>&1
"${docker[@]}" create --name "$name" --network none --volumes-from "$container" --entrypoint sh "$image"
