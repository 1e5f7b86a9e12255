# What a remote has under a name, fetched and resolved.
export GIT_TERMINAL_PROMPT=0

# A clone of one branch follows no other: what is asked for gets a ref of ours there, always the same one, so
# that names of different days are never in each other's way.
asked=refs/schedgen/asked

short() {
  local short=${1#refs/heads/}
  printf '%s' "${short#refs/tags/}"
}
get() { git fetch --quiet --no-tags --no-recurse-submodules "$@"; }
find() { git rev-parse --verify --quiet "$1^{commit}"; }
follows_all() { git config --get-all "remote.$1.fetch" | grep -qxF "+refs/heads/*:refs/remotes/$1/*"; }
# ask REMOTE NAME: everything that the clone follows is fetched, and that name.
ask() {
  local remote=$1 name=$2 short heads
  short=$(short "$name")
  git fetch --quiet --tags --force --prune --no-recurse-submodules "$remote" || return
  if ! follows_all "$remote"; then
    git update-ref -d "$asked" && heads=$(git ls-remote --quiet "$remote" "refs/heads/$short") || return
    case $'\n'$heads$'\n' in *$'\t'"refs/heads/$short"$'\n'*)
      get --force "$remote" "+refs/heads/$short:$asked" || return
      ;;
    esac
  fi
  # A commit may be on a branch that nobody follows, or on none.
  if [[ $name =~ ^[0-9a-f]{7,64}$ ]] && ! find "$name" > /dev/null; then
    [ "${#name}" -lt 40 ] || get "$remote" "$name" 2> /dev/null
    if ! find "$name" > /dev/null && ! follows_all "$remote"; then
      heads=$(git ls-remote --quiet --heads "$remote") || return
      local -a refs
      mapfile -t refs < <(cut -f 2 <<< "$heads")
      get "$remote" "${refs[@]}" || return
    fi
  fi
}
# resolve REMOTE NAME: the commit that it means, a branch of the remote, then a tag, then a commit; a name that is
# two things at once is refused.
resolve() {
  local remote=$1 name=$2 found='' short branch tag heads=$asked
  short=$(short "$name")
  ! follows_all "$remote" || heads=refs/remotes/$remote/$short
  case $name in refs/tags/*) branch='' ;; *) branch=$(find "$heads") ;; esac
  case $name in refs/heads/*) tag='' ;; *) tag=$(find "refs/tags/$short") ;; esac
  if [ -n "$branch" ] && [ -n "$tag" ] && [ "$branch" != "$tag" ]; then
    echo ambiguous
    return
  fi
  found=${branch:-$tag}
  if [ -z "$found" ] && [[ $name =~ ^[0-9a-f]{7,64}$ ]]; then found=$(find "$name"); fi
  echo "${found:-missing}"
}
