# Runs a job to its end. One that does not end well is removed, and what it wrote last is told. Sent again for the
# same release, it waits for the one that runs, and leaves the one that has ended well.
#: docker[]  the engine's words
#: compose[] `docker compose` with the options for the release's own definition
#: project   the compose project
#: service   the service's name
#: release   the release's id
#: limit     seconds until it must have ended
source lib/alone_on_services.bash
source lib/rollout.bash

ours() { find_ids ending "$service" --filter "label=schedgen.release=$release"; }
give_up() {
  for id in "${ending[@]}"; do
    last_words "$id" 200 | while IFS= read -r line; do say "$service | $line"; done
  done
  stop_and_remove "${ending[@]}" || set -- "$1, and it is still there"
  echo "$1" >&2
  exit 1
}
ours || exit
if [ "${#ending[@]}" -gt 0 ]; then
  verdict "${ending[@]}"
  seen=$?
  case $seen in
    0) exit 0 ;;
    3)
      echo "$reason" >&2
      exit 1
      ;;
  esac
fi
# What was created and never started, or ended otherwise, is made anew.
if [ "${seen-2}" -ne 1 ] || [[ $(state "${ending[@]}") == *created* ]]; then
  "${compose[@]}" up --detach --no-deps --no-build --force-recreate --pull never "$service" >&2 ||
    problem="could not be started"
  ours || exit
  [ "${#ending[@]}" -gt 0 ] || problem=${problem:-"did not start"}
fi
[ -z "${problem-}" ] || give_up "$problem"
healthy "$limit" "${ending[@]}" || give_up "$reason"
exit 0
