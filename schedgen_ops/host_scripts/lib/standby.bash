# Containers that a release replaced, and that stand by for a while after it was done: they run on, get no request, are found
# by no name, do not come back by themselves, and have a name that tells. `standby/release` in our folder of state has one line: the release
# that they are of, the one that replaced it, and until when, in seconds since 1970. Beside it are, for each service, how
# its containers were on their networks (`networks-SERVICE`), where they are meanwhile (`at-SERVICE`: ID ADDRESS...) and how
# they were restarted (`restart-SERVICE`); `ingress` has the id of that.
# `docker`, `project` and `state` are the caller's.
source lib/docker.bash
source lib/files.bash

# The ids of those that stand by, those that do not run any more too.
standby_ids() {
  "${docker[@]}" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
    --filter "name=$standby_mark\$"
}
# One at a time: who ends it, and who has it serve again.
standby_alone() {
  exec {standby_lock}>> "$state/standby.lock" && flock "$standby_lock"
}
end_standby() {
  local ids
  ids=$(standby_ids) || return
  if [ -n "$ids" ]; then
    # shellcheck disable=SC2086 # a list of ids
    "${docker[@]}" stop $ids > /dev/null
    # shellcheck disable=SC2086 # a list of ids
    "${docker[@]}" rm --force $ids > /dev/null || return
  fi
  rm -rf -- "$state/standby"
}
