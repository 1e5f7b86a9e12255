# tree_id COMMIT PATH: the object id of a path in a commit, as `git ls-tree -z` tells it; nothing for what is not
# tracked. The current folder is the project's, and `.` its own path.
tree_id() {
  local commit=$1 path=$2 within=$2 id
  until id=$(id_of "$commit" "$within"); do
    case $within in . | .. | */..) return 0 ;; esac
    within=$(dirname -- "$within")
    [ "$within" != . ] || return 0
  done
  # What is in a submodule has the id of the submodule: its commit stands for all that is in it.
  [ "$within" = "$path" ] || [[ $(git ls-tree "$commit" -- "$within") == 160000\ * ]] || return 0
  # A folder that is only there to be written to has nothing in it but a .gitkeep or the like.
  [ "$(git cat-file -t "$id" 2> /dev/null)" != tree ] ||
    git ls-tree -r --full-tree --name-only "$id" | awk -F / '$NF !~ /^\./ { found = 1 } END { exit !found }' ||
    return 0
  printf '%s\t%s\0' "- - $id" "$path"
}
# To git, `..` at the end is a range, and a path outside the repository a fault.
id_of() {
  local name=./$2
  case $2 in . | .. | */..) name+=/ ;; esac
  git rev-parse --verify --quiet "$1:$name" 2> /dev/null
}
