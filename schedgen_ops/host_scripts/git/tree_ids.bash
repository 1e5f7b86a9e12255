# Tells the object ids of tracked paths in a commit, as `git ls-tree -z` does.
#: commit  the commit's id
#: paths[] relative to the current folder
for path in "${paths[@]}"; do
  within=$path
  while [ "$within" != . ]; do
    id=$(git rev-parse --verify --quiet "$commit:./$within") && break
    within=$(dirname -- "$within")
  done
  [ "$within" != . ] || continue
  # What is in a submodule has the id of the submodule: its commit stands for all that is in it.
  [ "$within" = "$path" ] || [[ $(git ls-tree "$commit" -- "$within") == 160000\ * ]] || continue
  printf '%s\t%s\0' "- - $id" "$path"
done
