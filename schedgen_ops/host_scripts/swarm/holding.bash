# Tells of a node of the Swarm what it has of a project's data: `runs SERVICE` for each of these services that has a
# container there, `keeps` where backups are, `down` where an emergency took everything down and was cut
# off, `down anew` where the database had begun anew by then.
#: docker[]  the engine's words
#: project   its name
#: services[] those that hold data
#: directory the project's
#: backups   their folder, in it or absolute
for service in "${services[@]}"; do
  found=$("${docker[@]}" ps --quiet --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$service") || exit
  [ -z "$found" ] || printf 'runs %s\n' "$service"
done
cd -- "$directory" 2> /dev/null || exit 0
[ ! -d "$backups" ] || echo keeps
[ ! -e .schedgen/down ] || echo "down $(sed -n 2p .schedgen/down)"
