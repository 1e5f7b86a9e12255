# Waits until the lock is free, or for so long; ends with 1 where it is not. Changes nothing.
#: state   the folder of our state
#: seconds how long to wait
source lib/lock.bash

end=$((SECONDS + seconds))
left() { echo $((end > SECONDS ? end - SECONDS : 0)); }
{ exec 8< "$state"; } 2> /dev/null || exit 0
{ exec 9< "$state/lock" || exec 9<&8; } 2> /dev/null
take --timeout "$(left)" || exit 1
# What waits for the guard holds nothing itself: the guard's last word may need it.
exec 8<&- 9<&-
[ ! -d "$state/guard" ] || flock --timeout "$(left)" "$state/guard/lock" true
