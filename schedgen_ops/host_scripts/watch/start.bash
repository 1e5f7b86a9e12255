# Starts the watchdog and returns when it is at work. Its program comes on stdin, since it is longer than an
# argument may be. It holds the lock of its folder for as long as it lives, and is in a session of its own.
#: state our folder of state
#: owner who started it, as JSON
#: whose who speaks in a message of the host's own, whose webhook is the variable schedgen_webhook
source lib/tell.bash

dir=$state/guard mask=$(umask)
umask 077
rm -rf "$dir"
mkdir -p "$dir" && mkfifo "$dir/signal" && : > "$dir/log" && cat > "$dir/program" || exit
keep_webhook "$whose"
exec 9>> "$dir/lock" && flock --nonblock 9 || exit
: > "$dir/errors"
# Files that git checks out on the way back have the modes that they always have.
umask "$mask"
# shellcheck disable=SC2016 # the inner bash expands it
setsid bash -o pipefail -c 'source "$1"' schedgen-guard "$dir/program" < /dev/null > "$dir/errors" 2>&1 &
pid=$!
exec 9>&-
printf '{"pid":%s,%s\n' "$pid" "${owner#\{}" > "$dir/owner.json"
for ((tries = 0; tries < 300; tries++)); do
  ! grep -q '^ready$' "$dir/log" || exit 0
  kill -0 "$pid" 2> /dev/null || {
    tail -n 5 "$dir/errors" >&2
    exit 1
  }
  sleep 0.1
done
kill "$pid"
echo "the guard did not begin" >&2
exit 1
