# The folder of a watch that goes on by itself, and whoever holds its lock. `dir`, the folder, is the caller's.

# alive: whether it still watches.
alive() { [ -e "$dir/lock" ] && ! flock --nonblock "$dir/lock" true; }

# end_watch: ends it, with all that it started, and waits for that; no error where there is none.
end_watch() {
  local pid
  alive || return 0
  pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$dir/owner.json") && [ -n "$pid" ] || return
  kill -TERM -- "-$pid" 2> /dev/null
  flock --timeout 10 "$dir/lock" true || kill -KILL -- "-$pid" 2> /dev/null
  flock --timeout 20 "$dir/lock" true
}
