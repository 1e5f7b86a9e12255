# The lock on a host. `state`, the folder of our state, is the caller's.
# shellcheck disable=SC2034 # `keeper` and `holder` are read by who calls

# `find_keeper` sets `keeper` and `holder`, what it holds the lock for. A keeper's own words tell both where
# lock.json does not: bash -o pipefail -c TEXT schedgen-lock STATE OWNER
keeper='' holder=''
is_keeper() {
  local words
  [ "$1" != "$$" ] && mapfile -d '' -t words < "/proc/$1/cmdline" || return
  [ "${words[5]-}" = schedgen-lock ] && [ "${words[6]-}" -ef "$state" ] && keeper=$1 holder=${words[7]-}
} 2> /dev/null
# The process that a file of ours begins with, "" for none.
pid_in() { sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$1" 2> /dev/null; }
find_keeper() {
  local file pid
  pid=$(pid_in "$state/lock.json")
  [ -z "$pid" ] || ! is_keeper "$pid" || return 0
  # shellcheck disable=SC2013 # no word of these names holds a space
  for file in $(grep -lsaF schedgen-lock /proc/[0-9]*/cmdline); do
    is_keeper "${file//[!0-9]/}" && return
  done
  holder=$(cat "$state/lock.json" 2> /dev/null)
}
# Both: the folder is there when a file cannot be made any more.
open_lock() {
  exec 8< "$state" && { exec 9>> "$state/lock" || exec 9< "$state/lock" || exec 9<&8; }
} 2> /dev/null
# Who only looks holds it for a moment.
take() { flock "$@" 8 && flock "$@" 9; }
guarded() { [ -d "$state/guard" ] && ! flock --timeout 0.2 "$state/guard/lock" true; }
guard() { cat "$state/guard/owner.json" 2> /dev/null; }
