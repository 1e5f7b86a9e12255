# The watchdog's log from its start, line by line, until it ends.
#: state our folder of state
pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$state/guard/owner.json" 2> /dev/null)
[ -z "$pid" ] || tail -n +1 -s 0.2 --pid="$pid" -f "$state/guard/log" 2> /dev/null
exit 0
