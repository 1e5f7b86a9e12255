# One script at a time works on what a lock stands for. One that was left alone, by Ctrl-C, a lost connection or
# the end of our patience, still ends what it began: what follows runs in a session of its own, and what is ended
# is who listens to it.
source lib/reason.bash

# alone LOCK SECONDS TITLE REASON: fails with REASON where the lock is not free after so many seconds. What holds
# it is in the list of processes as TITLE.
alone() {
  [ -z "${schedgen_alone-}" ] || {
    unset schedgen_alone
    return 0
  }
  { mkdir -p -- "${1%/*}" && exec 9>> "$1"; } || exit
  flock --timeout "$2" 9 || fail "$4"
  schedgen_alone=yes setsid bash -o pipefail -c "$BASH_EXECUTION_STRING" "$3" <&0 &
  wait "$!"
  exit
}
