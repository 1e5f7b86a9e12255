# Moves the work tree and its submodules to a commit.
#: commit its full id
source lib/submodules.bash

cd -- "$(git rev-parse --show-toplevel)" && old=$(git rev-parse HEAD) || exit
forget "$old" "$commit"
move --detach "$commit" || exit
follow "$old" "$commit" ''
