# One script at a time works on a service; it ends what it began whoever still listens.
#: state      our folder of state
#: services[] what it works on
source lib/alone.bash

umask 077
locks=()
for each in "${services[@]}"; do locks+=("$state/roll-$each.lock"); done
alone 3600 schedgen-roll "${locks[@]}" || {
  echo "another script still works on ${services[*]}" >&2
  exit 1
}
