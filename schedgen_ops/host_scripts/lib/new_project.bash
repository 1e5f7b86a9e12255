# A project's folder that is filled for the first time, never over anything else; one that was cut off is gone on with.
# What comes is made in `part`, and is `whole` once it is all there. `directory` is the caller's.
source lib/reason.bash

part=.schedgen-clone whole=.schedgen-cloned

# The folder is the current one, and nobody else fills it.
enter_project() {
  cd -- "$directory" || exit
  exec 9< .
  flock -n 9 || fail "somebody else fills $directory"
}
# Nothing but what an earlier try left is here, and that is not any more.
only_ours() {
  local others
  others=$(find . -mindepth 1 -maxdepth 1 ! -name "$part" -print -quit)
  [ -z "$others" ] || fail "$directory holds other things: ${others#./}"
  rm -rf -- "$part"
}
# .git comes last: with it, what is here is a clone.
in_place() {
  find "$whole" -mindepth 1 -maxdepth 1 ! -name .git -exec mv -t . -- {} + || exit
  [ ! -e "$whole/.git" ] || mv -- "$whole/.git" . || exit
  rmdir -- "$whole"
}
