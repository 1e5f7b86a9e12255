# Starts the watchdog and returns when it is at work. Its program comes on stdin, since it is longer than an
# argument may be. It holds the lock of its folder for as long as it lives, and is in a session of its own.
#: state our folder of state
#: owner who started it, as JSON
dir=$state/guard mask=$(umask)
umask 077
rm -rf "$dir"
mkdir -p "$dir" && mkfifo "$dir/signal" && : > "$dir/log" && cat > "$dir/program" || exit
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
