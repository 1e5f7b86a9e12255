# Ends the process that holds the lock, and waits until the lock is free.
#: state the folder of our state
source lib/lock.bash
source lib/ending.bash

# Only a process that is still our keeper is ended: the number may belong to another one by now.
pid=$(pid_in "$state/guard/owner.json")
[ -n "$pid" ] && tr '\0' '\n' < "/proc/$pid/cmdline" 2> /dev/null | grep -qxF schedgen-guard &&
  end_holder "$pid" "$state/guard/lock"
find_keeper
[ -z "$keeper" ] || kill "$keeper"
[ ! -d "$state/guard" ] || flock --timeout 10 "$state/guard/lock" true
open_lock && take --timeout 10
