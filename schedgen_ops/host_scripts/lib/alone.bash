# One script at a time works on what a lock stands for. One that was left alone, by Ctrl-C, a lost connection or
# the end of our patience, still ends what it began: what follows runs in a session of its own, and what is ended
# is who listens to it.

# What it holds them by: whoever may outlive it lets go of that first.
alone_held=''
let_go() {
  local fd
  for fd in $alone_held; do exec {fd}>&-; done
  return 0
}
# Before anything shifts them: who runs again gets them again.
alone_words=("$@")

# alone SECONDS TITLE LOCK...: fails where a lock is not free after so many seconds. What holds them is in the list
# of processes as TITLE.
alone() {
  local seconds=$1 title=$2 lock fd held=''
  shift 2
  [ -z "${schedgen_alone-}" ] || {
    alone_held=${schedgen_alone#yes}
    unset schedgen_alone
    return 0
  }
  for lock; do
    { mkdir -p -- "${lock%/*}" && exec {fd}>> "$lock"; } || exit
    flock --timeout "$seconds" "$fd" || return
    held+="$fd "
  done
  schedgen_alone="yes $held" setsid bash -o pipefail -c "$BASH_EXECUTION_STRING" "$title" "${alone_words[@]}" <&0 &
  wait "$!"
  exit
}
