# The note of data that is being exchanged, or was when the host went down: `swapping NOTE`; nothing where none is.
#: lock     the file that only one script that exchanges holds at a time, in our folder of state
#: patience seconds that who exchanges data there now is waited for
[ ! -e "$lock" ] || flock --timeout "$patience" "$lock" true || {
  echo "another restore still works here" >&2
  exit 1
}
[ ! -e "${lock%/*}/swapping" ] || printf 'swapping %s\n' "$(cat -- "${lock%/*}/swapping")"
