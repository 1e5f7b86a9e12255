# Moves the work tree and its submodules back to where they were found.
#: commit  the full id of the commit
#: branch  the branch that was checked out, "" for none
#: cut_off the commit of a checkout that may have stopped halfway, "" for none
source lib/submodules.bash

as_found() {
  [ "$(git rev-parse HEAD)" = "$commit" ] && [ "$(git symbolic-ref --quiet --short HEAD)" = "$branch" ] &&
    git diff --quiet --ignore-submodules HEAD --
}
# A checkout that was cut off has written files that git takes for edits: it is done to its end first. Where
# HEAD has moved, nothing was cut off; where no tracked file differs, git had not begun.
finish() {
  [ -n "$cut_off" ] && [ "$(git rev-parse HEAD)" != "$cut_off" ] || return 0
  git diff --quiet --ignore-submodules HEAD -- || move --force --detach "$cut_off" ||
    [ "$(git rev-parse HEAD)" = "$cut_off" ]
}
cd -- "$(git rev-parse --show-toplevel)" && old=$(git rev-parse HEAD) || exit
if ! as_found; then
  finish || exit
  forget "$old" "$commit"
  if [ -n "$branch" ]; then move "$branch" --; else move --detach "$commit"; fi || as_found || exit
fi
follow "$old" "$commit" back
