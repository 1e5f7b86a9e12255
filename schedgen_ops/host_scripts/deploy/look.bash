# Tells what a deploy would change, by sections with `--` between: the commit and where the project is in its
# repository (nothing for all of it, else PATH/), then its history and files, new migrations, Compose's hash of each
# service, the images that it names or that run, the object ids of files that it mounts, the definition. What is fetched
# goes into a throwaway repository that borrows the project's objects, and its files into a throwaway tree: the project
# itself is only read.
#: compose[]  `docker compose` with the project's name and its env file
#: docker[]   the engine's words
#: project    the compose project
#: image      the format in which an image is told
#: directory  the project's
#: remote     the git remote's name
#: ref        the branch, tag or commit to deploy
#: old        the commit that serves; "" for that of the release that `current` names, else what is checked out
#: state      the folder of our state
#: migrations the migrations' folder, "" for none
#: hashed     "yes" where the hashes are wanted: Compose reads all of it once more for them
#: files[]    the compose files, or none for those that Compose looks for
#: env        the env file, in the project's directory or absolute
source lib/coming.bash
source lib/compose_files.bash
source lib/git_names.bash
source lib/tree_ids.bash

# The commit of the release that serves. A record is of one line, and its own `commit` the first in it.
served() {
  local current='' record='' commit
  read -r current < "$state/current" && read -r record < "$state/releases/$current/release.json"
  commit=${record#*\"commit\":\"}
  case $commit in "$record") git rev-parse --verify --quiet HEAD ;; *) echo "${commit%%\"*}" ;; esac
} 2> /dev/null
cd -- "$directory" || exit
directory=$PWD
prefix=$(git rev-parse --show-prefix) && common=$(cd "$(git rev-parse --git-common-dir)" && pwd) && scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT
git init --quiet --bare --template= "$scratch/git" && cp "$common/config" "$scratch/git/config" || exit
echo "$common/objects" > "$scratch/git/objects/info/alternates"
# Where the history ends in a shallow clone.
[ ! -e "$common/shallow" ] || cp "$common/shallow" "$scratch/git/shallow" || exit
[ -n "$old" ] || old=$(served)
export GIT_DIR=$scratch/git
printf '%s\n' '' '[core]' 'bare = true' 'quotePath = false' '[submodule]' 'recurse = false' '[maintenance]' 'auto = false' \
  >> "$scratch/git/config" || exit
ask "$remote" "$ref" || exit
commit=$(resolve "$remote" "$ref")
echo "$commit $prefix"
case $commit in missing | ambiguous) exit 0 ;; esac
git log --oneline --no-decorate --max-count=200 "$old..$commit"
echo --
git diff --name-status --no-renames "$old" "$commit"
echo --
[ -z "$migrations" ] || git diff --name-only --no-renames --diff-filter=A "$old" "$commit" -- "$prefix$migrations"
echo --
mkdir "$scratch/tree" && git --work-tree="$scratch/tree" checkout --quiet "$commit" -- . || exit
unset GIT_DIR
# A folder that the commit does not have has no compose file either: Compose says so.
mkdir -p "$scratch/tree/$prefix" && cd "$scratch/tree/$prefix" || exit
case $env in /*) ;; *) env=$directory/$env ;; esac
find_files "$env" || exit
# Compose takes the folder of its first file for the project's.
base=$directory
case ${files[0]-} in /*) base=${files[0]%/*} ;; */*) base=$directory/${files[0]%/*} ;; esac
compose+=(--project-directory "$base")
for file in "${files[@]}"; do
  case $file in /*) compose+=(-f "$file") ;; *) compose+=(-f "$scratch/tree/$prefix$file") ;; esac
done
tell_coming || exit
export GIT_DIR=$scratch/git GIT_WORK_TREE=$scratch/tree
for mount in "${mounts[@]}"; do
  case $mount in
    "$directory") tree_id "$commit" . ;;
    "$directory"/*) tree_id "$commit" "${mount#"$directory"/}" ;;
  esac
done
echo
echo --
printf '%s\n' "$document"
