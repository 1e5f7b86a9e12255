# Clones the project into its directory, which is empty or holds what an earlier try left; never over anything else.
#: directory  the project's
#: repository where git clones it from
#: remote     what the clone calls that
source lib/reason.bash

cd -- "$directory" || exit
exec 9< .
flock -n 9 || fail "somebody else clones into $directory"
part=.schedgen-clone whole=.schedgen-cloned

if [ ! -d "$whole" ]; then
  [ ! -e .git ] || fail "$directory is a clone already"
  others=$(find . -mindepth 1 -maxdepth 1 ! -name "$part" -print -quit)
  [ -z "$others" ] || fail "$directory holds other things: ${others#./}"
  rm -rf -- "$part"
  # A git server that nobody vouched for, or one that asks for a password, is an error and no question.
  export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes'
  git clone --quiet --origin "$remote" -- "$repository" "$part" < /dev/null || {
    rm -rf -- "$part"
    fail "git could not clone the repository"
  }
  mv -T -- "$part" "$whole" || exit
fi
# .git comes last: with it, what is here is a clone.
find "$whole" -mindepth 1 -maxdepth 1 ! -name .git -exec mv -t . -- {} + || exit
[ ! -e "$whole/.git" ] || mv -- "$whole/.git" . || exit
rmdir -- "$whole"
