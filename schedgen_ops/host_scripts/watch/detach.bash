# Starts the watch that goes on by itself, and returns when it is at work. Its program comes on stdin, since it is
# longer than an argument may be. It holds the lock of its folder for as long as it lives, and is in a session of its
# own. Where one watches already it prints whose, and ends with 7.
#: state    our folder of state
#: owner    who started it and what is watched, as JSON
#: whose    who speaks in a message of the host's own, whose webhook is the variable schedgen_webhook
#: replaces "yes" to end the one that watches
source lib/detached.bash
source lib/tell.bash

dir=$state/watch
umask 077
mkdir -p "$dir" || exit
[ "$replaces" != yes ] || end_watch || {
  echo "the watch before could not be ended" >&2
  exit 1
}
exec 9>> "$dir/lock" || exit
flock --nonblock 9 || {
  cat "$dir/owner.json"
  exit 7
}
for file in "$dir"/*; do [ "$file" = "$dir/lock" ] || rm -f -- "$file"; done
cat > "$dir/program" || exit
keep_webhook "$whose"
# shellcheck disable=SC2016 # the inner bash expands it
setsid bash -o pipefail -c 'source "$1"' schedgen-watch "$dir/program" < /dev/null > "$dir/errors" 2>&1 &
pid=$!
printf '{"pid":%s,"boot":"%s","began":%s,%s\n' "$pid" "$(cat /proc/sys/kernel/random/boot_id)" "$EPOCHSECONDS" \
  "${owner#\{}" > "$dir/owner.json" || {
  kill -- "-$pid"
  exit 1
}
exec 9>&-
for ((tries = 0; tries < 300; tries++)); do
  [ ! -e "$dir/ready" ] || exit 0
  kill -0 "$pid" 2> /dev/null || break
  sleep 0.1
done
kill -- "-$pid" 2> /dev/null
tail -n 5 "$dir/errors" >&2
echo "the watch did not begin" >&2
exit 1
