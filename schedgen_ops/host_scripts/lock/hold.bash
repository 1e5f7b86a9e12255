# Takes the lock, says `acquired ...` or `held OWNER`, and keeps it for as long as a line comes on stdin at least
# once in a lease; it says each line back.
#: state the folder of our state
#: owner who takes it, as JSON
#: lease the longest silence, in seconds
#: token that of a lock which may be ours already, over a connection that died: it is taken over; "" for none
source lib/lock.bash

ours="\"token\": \"${token:-none}\""
umask 077
{ mkdir -p "$state" && open_lock; } || {
  echo "the lock's folder $state cannot be made" >&2
  exit 1
}
if ! take --timeout 0.2; then
  find_keeper
  # Our own, whose connection died: it goes, and whoever comes first gets it.
  case $holder in
    *"$ours"*)
      [ -z "$keeper" ] || kill "$keeper"
      take --timeout 10
      ;;
    *) false ;;
  esac || {
    find_keeper
    echo "held $holder"
    exit
  }
fi
# A release that is watched is somebody's at work too; a guard that died left its folder.
if guarded; then
  holder=$(guard)
  case $holder in *"$ours"*) ;; *)
    echo "held $holder"
    exit
    ;;
  esac
else rm -rf "$state/guard"; fi
cd "$state/.." || exit
exclude=$(git rev-parse --git-path info/exclude 2> /dev/null)
hidden=/$(git rev-parse --show-prefix 2> /dev/null).schedgen/
if [ -n "$exclude" ] && ! grep -qxF -- "$hidden" "$exclude" 2> /dev/null; then
  { mkdir -p "$(dirname "$exclude")" && printf '%s\n' "$hidden" >> "$exclude"; } 2> /dev/null
fi
changed() { stat -c %.9Y "$state/lock" 2> /dev/null; }
before=$(changed)
touch -c "$state/lock" 2> /dev/null
{ printf '{"pid":%s,%s\n' "$$" "${owner#\{}" > "$state/lock.json"; } 2> /dev/null || rm -f "$state/lock.json"
trap 'rm -f "$state/lock.json"; exit' EXIT TERM INT HUP
echo "acquired $(cat "$state/current" 2> /dev/null) at=$EPOCHSECONDS before=$before mark=$(changed)"
while IFS= read -r -t "$lease" beat; do printf '%s\n' "$beat"; done
