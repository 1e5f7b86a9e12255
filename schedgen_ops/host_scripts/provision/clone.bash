# Clones the project into its directory, which is empty or holds what an earlier try left; never over anything else.
#: directory  the project's
#: repository where git clones it from
#: remote     what the clone calls that
source lib/new_project.bash

enter_project
if [ ! -d "$whole" ]; then
  [ ! -e .git ] || fail "$directory is a clone already"
  only_ours
  # A git server that nobody vouched for, or one that asks for a password, is an error and no question.
  export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes'
  git clone --quiet --origin "$remote" -- "$repository" "$part" < /dev/null || {
    rm -rf -- "$part"
    fail "git could not clone the repository"
  }
  mv -T -- "$part" "$whole" || exit
fi
in_place
