# Ends the process that holds the lock, and waits until the lock is free.
#: state the folder of our state
source lib/lock.bash
source lib/ending.bash

# Only a process that is still our keeper is ended: the number may belong to another one by now.
pid=$(pid_in "$state/guard/owner.json")
if [ -n "$pid" ] && tr '\0' '\n' < "/proc/$pid/cmdline" 2> /dev/null | grep -qxF schedgen-guard; then
  end_holder "$pid" "$state/guard/lock" || {
    echo "the guard did not end" >&2
    exit 1
  }
fi
find_keeper
[ -z "$keeper" ] || kill "$keeper"
open_lock && take --timeout 10
