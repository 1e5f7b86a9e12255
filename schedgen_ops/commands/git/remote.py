"""What a remote has under a name, fetched and resolved."""

from __future__ import annotations

from schedgen_ops.commands.git.names import is_commit
from schedgen_ops.shell import Command, script, sh

# A clone of one branch follows no other: what is asked for gets a ref of ours there, always the same one, so
# that names of different days are never in each other's way.
_ASKED = "refs/schedgen/asked"

_FUNCTIONS = f"""
export GIT_TERMINAL_PROMPT=0
asked={_ASKED}
"""

# A branch of the remote, then a tag, then a commit; a name that is two things at once is refused.
RESOLVE = (
    _FUNCTIONS
    + r"""
short() { local short=${1#refs/heads/}; printf '%s' "${short#refs/tags/}"; }
get() { git fetch --quiet --no-tags --no-recurse-submodules "$@"; }
find() { git rev-parse --verify --quiet "$1^{commit}"; }
follows_all() { git config --get-all "remote.$1.fetch" | grep -qxF "+refs/heads/*:refs/remotes/$1/*"; }
ask() {
  local remote=$1 name=$2 short
  local -a heads
  short=$(short "$name")
  git fetch --quiet --tags --force --prune --no-recurse-submodules "$remote" || return
  if ! follows_all "$remote"; then
    git update-ref -d "$asked" && heads=$(git ls-remote --quiet "$remote" "refs/heads/$short") || return
    case $'\n'$heads$'\n' in *$'\t'"refs/heads/$short"$'\n'*)
      get --force "$remote" "+refs/heads/$short:$asked" || return ;;
    esac
  fi
  # A commit may be on a branch that nobody follows, or on none.
  if [[ $name =~ ^[0-9a-f]{7,64}$ ]] && ! find "$name" >/dev/null; then
    [ "${#name}" -lt 40 ] || get "$remote" "$name" 2>/dev/null
    if ! find "$name" >/dev/null && ! follows_all "$remote"; then
      heads=$(git ls-remote --quiet --heads "$remote") || return
      mapfile -t heads < <(cut -f 2 <<< "$heads")
      get "$remote" "${heads[@]}" || return
    fi
  fi
}
resolve() {
  local remote=$1 name=$2 found='' short branch tag heads=$asked
  short=$(short "$name")
  ! follows_all "$remote" || heads=refs/remotes/$remote/$short
  case $name in refs/tags/*) branch='' ;; *) branch=$(find "$heads") ;; esac
  case $name in refs/heads/*) tag='' ;; *) tag=$(find "refs/tags/$short") ;; esac
  if [ -n "$branch" ] && [ -n "$tag" ] && [ "$branch" != "$tag" ]; then echo ambiguous; return; fi
  found=${branch:-$tag}
  if [ -z "$found" ] && [[ $name =~ ^[0-9a-f]{7,64}$ ]]; then found=$(find "$name"); fi
  echo "${found:-missing}"
}
"""
)


def fetch(remote: str, name: str) -> Command:
    """Everything the remote has that the clone follows, and `name`, whether that is followed or not.

    A tag that was moved there is moved here.
    """
    return script(RESOLVE + 'ask "$1" "$2"', remote, name, title=f"git fetch {remote}")


def resolve(remote: str, name: str) -> Command:
    """The commit that `name` means, which was fetched: a branch of `remote`, a tag, or a commit."""
    return script(RESOLVE + 'resolve "$1" "$2"', remote, name, title=f"resolve {name}")


def parse_resolved(stdout: str) -> str:
    """The commit's full id, or "missing", or "ambiguous"."""
    return stdout.strip()


def advertised(remote: str, name: str, seconds: int = 30) -> Command:
    """What `remote` itself has under `name` now, its branch and its tag; nothing is fetched.

    Args:
        seconds: how long it may take to answer; then the exit code is 124.
    """
    branch, tag = _refs(name)
    words = ("timeout", str(seconds), "git", "ls-remote", "--quiet", remote, branch, tag, f"{tag}^{{}}")
    return sh(*words).with_env("GIT_TERMINAL_PROMPT", "0").named(f"git ls-remote {remote}")


def parse_advertised(stdout: str, name: str) -> str:
    """The id that `name` means to the remote, "missing", or "ambiguous", as `resolve` would say.

    It is "" for what may be a commit: a remote lists none.
    """
    ids = {ref: commit for commit, _, ref in (line.partition("\t") for line in stdout.split("\n"))}
    branch, tag = _refs(name)
    # An annotated tag has an id of its own, and behind it that of its commit.
    tagged = "" if name == branch else ids.get(f"{tag}^{{}}") or ids.get(tag, "")
    at_head = "" if name == tag else ids.get(branch, "")
    if at_head and tagged and at_head != tagged:
        return "ambiguous"
    return at_head or tagged or ("" if is_commit(name) else "missing")


def _refs(name: str) -> tuple[str, str]:
    short = name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return f"refs/heads/{short}", f"refs/tags/{short}"
