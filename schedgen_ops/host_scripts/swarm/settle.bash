# Waits until the containers of services have stayed up for so many seconds; fails as soon as one of them ends.
#: services[] their names
#: seconds    how long
source lib/swarm.bash

mapfile -t ids < <("${docker[@]}" service ps --quiet --no-trunc --filter desired-state=running "${services[@]/#/${stack}_}")
[ "${#ids[@]}" -gt 0 ] || {
  echo 'nothing of it runs' >&2
  exit 1
}
for ((end = SECONDS + seconds; SECONDS < end; )); do
  sleep 1
  while IFS='|' read -r state service err; do
    [ "$state" != running ] || continue
    # A manager that changes just now knows nothing for a moment.
    [ -n "$state" ] || continue
    name=$("${docker[@]}" service inspect --format '{{.Spec.Name}}' "$service" 2> /dev/null)
    echo "${name#"${stack}_"} is $state${err:+: $err}" >&2
    exit 1
  done < <("${docker[@]}" inspect --type task --format '{{.Status.State}}|{{.ServiceID}}|{{.Status.Err}}' "${ids[@]}" 2> /dev/null)
done
