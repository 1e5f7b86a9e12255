# Tells the object ids of tracked paths in a commit, as `git ls-tree -z` does, what stands against a copy of each, and as
# `place` where the current folder is in its repository: nothing for all of it, else PATH/.
#: commit  the commit's id
#: paths[] relative to the current folder
#: env     the env file, relative to it or absolute; "" for none
source lib/tree_ids.bash

# shellcheck disable=SC2034 # the functions read it
directory=$PWD
for path in "${paths[@]}"; do tree_id "$commit" "$path"; done
[ "${#paths[@]}" -eq 0 ] || entry "place $(git rev-parse --show-prefix)" .
