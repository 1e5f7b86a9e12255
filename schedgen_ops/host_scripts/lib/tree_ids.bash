source lib/own_files.bash

# tree_id COMMIT PATH: the object id of a path in a commit, as `git ls-tree -z` tells it, and what stands against a
# copy of it; nothing for what is not tracked. The current folder is the project's, and `.` its own path. Where the env
# file is in it, that is a part of it. `directory` and `env` are the caller's.
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
  printf '%s\t%s\0' "- - $id$(of_env "$path")" "$path"
  fitness "$commit" "$path" "$id"
}
# of_env PATH: a dot and a hash of the env file, where that is in PATH.
of_env() {
  local file=${env#"$directory"/} sum
  case $1 in
    . | .. | */..) case $file in '' | /* | ../*) return ;; esac ;;
    *) case $file in "$1"/*) ;; *) return ;; esac ;;
  esac
  [ -f "$directory/$file" ] && sum=$(sha256sum 2> /dev/null < "$directory/$file") && printf '.%s' "${sum%% *}"
}
# To git, `..` at the end is a range, and a path outside the repository a fault.
id_of() {
  local name=./$2
  case $2 in . | .. | */..) name+=/ ;; esac
  git rev-parse --verify --quiet "$1:$name" 2> /dev/null
}
