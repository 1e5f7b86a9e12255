# How the watch that goes on by itself stands: `alive` or `over`, `now SECONDS`, `boot ID` of the host as it runs,
# `owner JSON`, `figures ...`, `ended done|stopped` unless it was cut off; nothing where there never was one. Then
# `samples`, and what it saw, if that is asked for. One that was killed could not remove the team's address itself.
#: state   our folder of state
#: samples "yes" to print them
source lib/detached.bash

dir=$state/watch
[ -s "$dir/owner.json" ] || exit 0
if alive; then echo alive; else
  echo over
  flock --nonblock "$dir/lock" rm -f -- "$dir/webhook"
fi
printf 'now %s\nboot %s\nowner %s\n' "$EPOCHSECONDS" "$(cat /proc/sys/kernel/random/boot_id)" "$(cat "$dir/owner.json")"
[ ! -e "$dir/figures" ] || printf 'figures %s\n' "$(cat "$dir/figures")"
[ ! -e "$dir/ended" ] || printf 'ended %s\n' "$(cat "$dir/ended")"
[ "$samples" = yes ] || exit 0
echo samples
# In the middle of being thinned it is there all the same, the old one or the new.
[ ! -e "$dir/samples" ] || cat "$dir/samples"
