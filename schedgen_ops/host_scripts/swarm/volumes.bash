# Tells the id that this node has in the Swarm, and which of these volumes it has.
#: docker[]  the engine's words
#: volumes[] their names
"${docker[@]}" info --format '{{.Swarm.NodeID}}' || exit
for volume in "${volumes[@]}"; do
  ! "${docker[@]}" volume inspect "$volume" > /dev/null 2>&1 || printf '%s\n' "$volume"
done
