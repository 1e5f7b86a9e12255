# Tells the object ids of tracked paths in a commit, as `git ls-tree -z` does.
#: commit  the commit's id
#: paths[] relative to the current folder
source lib/tree_ids.bash
for path in "${paths[@]}"; do tree_id "$commit" "$path"; done
