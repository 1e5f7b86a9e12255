# Data that is being exchanged, or was when the host went down. `state`, the folder of our state, is the caller's.

# exchanged PATIENCE: `swapping NOTE` of it, nothing where none is; fails where somebody still exchanges it after so
# many seconds.
exchanged() {
  [ ! -e "$state/restore.lock" ] || flock --timeout "$1" "$state/restore.lock" true || {
    echo "another script still works here" >&2
    return 1
  }
  [ ! -e "$state/swapping" ] || printf 'swapping %s\n' "$(cat -- "$state/swapping")"
}
