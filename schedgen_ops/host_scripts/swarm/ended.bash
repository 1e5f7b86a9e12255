# Waits until no container of these services runs on this node any more: two of a database on one volume would spoil it.
#: docker[]  the engine's words
#: project   its name
#: services[] their names
#: limit     seconds
left() {
  local service
  for service in "${services[@]}"; do
    "${docker[@]}" ps --quiet --filter "label=com.docker.compose.project=$project" \
      --filter "label=com.docker.compose.service=$service" || return
  done
}
for ((end = SECONDS + limit; ; )); do
  still=$(left) || {
    echo 'the engine does not tell which containers run' >&2
    exit 1
  }
  [ -n "$still" ] || exit 0
  [ "$SECONDS" -lt "$end" ] || break
  sleep 0.3
done
echo "after $limit s there still run: $(tr '\n' ' ' <<< "$still")" >&2
exit 1
