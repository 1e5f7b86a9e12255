# One script at a time works on what a lock stands for. One that was left alone, by Ctrl-C, a lost connection or
# the end of our patience, still ends what it began: what follows runs in a session of its own, and what is ended
# is who listens to it.

# Before anything shifts them: who runs again gets them again.
alone_words=("$@")

# alone SECONDS TITLE LOCK...: fails where a lock is not free after so many seconds. What holds them is in the list
# of processes as TITLE.
alone() {
  local seconds=$1 title=$2 lock fd
  shift 2
  [ -z "${schedgen_alone-}" ] || {
    unset schedgen_alone
    return 0
  }
  for lock; do
    { mkdir -p -- "${lock%/*}" && exec {fd}>> "$lock"; } || exit
    flock --timeout "$seconds" "$fd" || return
  done
  schedgen_alone=yes setsid bash -o pipefail -c "$BASH_EXECUTION_STRING" "$title" "${alone_words[@]}" <&0 &
  wait "$!"
  exit
}
