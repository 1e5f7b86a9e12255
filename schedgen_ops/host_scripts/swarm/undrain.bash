# Gives a node work again, and waits until all services of the stack have as many containers as they are to have: what
# runs on every node runs there then.
#: node  its id
#: limit seconds
source lib/swarm.bash

"${docker[@]}" node update --availability active "$node" > /dev/null || exit
lacking() {
  "${docker[@]}" service ls --filter "label=com.docker.stack.namespace=$stack" --filter mode=global \
    --format '{{.Name}} {{.Replicas}}' | awk '{ split($2, n, "/"); if (n[1] + 0 < n[2] + 0) print $1 }'
}
on_it() { "${docker[@]}" node ps "$node" --filter desired-state=running --format '{{.CurrentState}}' 2> /dev/null; }
sleep 1
for ((end = SECONDS + limit; SECONDS < end; )); do
  [ -n "$(lacking)" ] || on_it | grep -qv '^Running' || exit 0
  sleep 0.5
done
echo "after $limit s these do not run on every node: $(lacking | tr '\n' ' ')" >&2
exit 1
