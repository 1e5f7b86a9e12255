# Tells whether the lock is held, and by whom; changes nothing.
#: state the folder of our state
source lib/lock.bash

if guarded; then
  echo "held $(guard)"
  exit
fi
{ exec 8< "$state"; } 2> /dev/null || {
  echo free
  exit
}
{ exec 9< "$state/lock" || exec 9<&8; } 2> /dev/null
if take --nonblock; then echo free; else
  find_keeper
  echo "held $holder"
fi
