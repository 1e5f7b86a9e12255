# Starts services of a node on others, then puts it out of work, and waits until nothing runs there. Where that fails
# before, the node works on as it did.
#: node       its id
#: services[] those of the stack whose containers are started elsewhere first
#: limit      seconds for each of the two
source lib/swarm.bash

away="node.id!=$node"
# What keeps services from the node is taken back in the end: its tasks elsewhere fit either way, and stay.
# shellcheck disable=SC2317,SC2329 # called by the trap
allow() {
  local name
  for name in "${moved[@]}"; do
    "${docker[@]}" service update --detach --quiet --constraint-rm "$away" "${stack}_$name" > /dev/null || echo "$name: $away stays" >&2
  done
}
state() {
  "${docker[@]}" service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "${stack}_$1" 2> /dev/null
}
here() { "${docker[@]}" node ps "$node" --filter desired-state=running --format '{{.Name}}' 2> /dev/null; }
running() { "${docker[@]}" node ps "$node" --format '{{.Name}} {{.CurrentState}}' 2> /dev/null | grep -E ' (Running|Starting|Preparing) ' || true; }

moved=()
trap allow EXIT
for name in "${services[@]}"; do
  "${docker[@]}" service update --detach --quiet --constraint-add "$away" "${stack}_$name" > /dev/null || exit
  moved+=("$name")
done
for name in "${services[@]}"; do
  echo "say $name: starting elsewhere what runs there"
  for ((end = SECONDS + limit; ; )); do
    how=$(state "$name")
    case $how in
      paused | rollback*)
        echo "$name does not get well elsewhere; nothing was drained" >&2
        exit 1
        ;;
      updating) ;;
      # Without anything to replace there is no update.
      *) here | grep -qE "^${stack}_$name\." || break ;;
    esac
    [ "$SECONDS" -lt "$end" ] || {
      echo "$name did not start elsewhere within $limit s; nothing was drained" >&2
      exit 1
    }
    sleep 0.5
  done
done
echo 'say draining it'
"${docker[@]}" node update --availability drain "$node" > /dev/null || exit
for ((end = SECONDS + limit; SECONDS < end; )); do
  [ -n "$(running)" ] || exit 0
  sleep 0.5
done
echo "it is drained, and after $limit s there still run: $(running | tr '\n' ';')" >&2
exit 1
