# Removes services of a stack, and waits until none of their containers runs; all of the stack without any.
#: services[] their names
#: limit      seconds
source lib/swarm.bash

project=(--filter "label=com.docker.stack.namespace=$stack")
if [ "${#services[@]}" -eq 0 ]; then
  led "${docker[@]}" stack rm "$stack" || exit
else
  for name in "${services[@]}"; do
    ! "${docker[@]}" service inspect "${stack}_$name" > /dev/null 2>&1 || led "${docker[@]}" service rm "${stack}_$name" || exit
  done
fi
# What of them is still about to end, on whatever node.
ending() {
  if [ "${#services[@]}" -eq 0 ]; then
    "${docker[@]}" service ls -q "${project[@]}"
    "${docker[@]}" network ls -q "${project[@]}"
  else
    for name in "${services[@]}"; do "${docker[@]}" service ls -q --filter "name=${stack}_$name"; done
  fi
}
for ((end = SECONDS + limit; SECONDS < end; )); do
  [ -n "$(ending)" ] || exit 0
  [ "${#services[@]}" -gt 0 ] || "${docker[@]}" stack rm "$stack" > /dev/null 2>&1
  sleep 0.5
done
echo "parts of $stack are still there after $limit s" >&2
exit 1
