# The folder of a watch that goes on by itself, and whoever holds its lock. `dir`, the folder, is the caller's.
source lib/ending.bash

# alive: whether it still watches.
alive() { [ -e "$dir/lock" ] && ! flock --nonblock "$dir/lock" true; }

# end_watch: ends it, with all that it started, waits for that, and writes down that it was asked for; no error where
# there is none. A shutdown ends it by the same signal, and nobody asked for that.
end_watch() {
  local pid
  alive || return 0
  pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$dir/owner.json") && [ -n "$pid" ] || return
  end_holder "-$pid" "$dir/lock" || kill -KILL -- "-$pid" 2> /dev/null
  # Under the lock, lest it be said of the next one.
  (
    flock --timeout 20 8 || exit
    rm -f -- "$dir/webhook"
    [ -e "$dir/ended" ] || echo stopped > "$dir/ended"
  ) 8>> "$dir/lock"
}
