# Waits until the watchdog has ended, and removes what one that died left.
#: state   our folder of state
#: seconds how long at most
[ -d "$state/guard" ] || exit 0
exec 9< "$state/guard/lock" && flock --timeout "$seconds" 9 && rm -rf "$state/guard"
