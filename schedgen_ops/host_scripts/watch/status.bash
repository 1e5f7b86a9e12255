# Whether the watchdog lives, who started it, and the end of its log; nothing where there is none.
#: state our folder of state
[ -d "$state/guard" ] || exit 0
if flock --nonblock "$state/guard/lock" true; then echo dead; else echo alive; fi
cat "$state/guard/owner.json"
tail -n 200 "$state/guard/log"
