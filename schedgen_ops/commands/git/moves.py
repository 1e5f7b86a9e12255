"""The work tree moved to a commit, and back to where it was found; its submodules go with it."""

from __future__ import annotations

from schedgen_ops.shell import Command, script

# said COMMIT NAME KEY is what .gitmodules says of a submodule there. A submodule goes to the commit that its
# parent names; its address is set anew only where the release changed it: it may be one of the host's own.
_SUBMODULES = r"""
export GIT_TERMINAL_PROMPT=0
names() { git config --blob "$1:.gitmodules" --name-only --get-regexp '^submodule\..*\.path$' 2>/dev/null; }
said() { git config --blob "$1:.gitmodules" --get "submodule.$2.$3" 2>/dev/null; }
# git's own way into submodules wants their commits to be there already.
move() { git -c advice.detachedHead=false -c submodule.recurse=false checkout --quiet "$@"; }
linked() { [[ $(git ls-tree --full-tree "$1" -- "$2") == 160000\ * ]]; }
forget() {
  local old=$1 new=$2 key name path
  while IFS= read -r key; do
    name=${key#submodule.}; name=${name%.path}; path=$(said "$old" "$name" path)
    if linked "$old" "$path" && ! linked "$new" "$path"; then
      # One with files of somebody else stays: git then calls it a folder that it does not know.
      git submodule --quiet deinit -- "$path" >/dev/null 2>&1
    fi
  done < <(names "$old")
  return 0
}
follow() {
  local old=$1 new=$2 back=$3 key name path was kept url
  while IFS= read -r key; do
    name=${key#submodule.}; name=${name%.path}; path=$(said "$new" "$name" path)
    linked "$new" "$path" || continue
    kept=$(git rev-parse --git-path "modules/$name"); [ -e "$kept" ] || kept=
    # On the way back, what was not there before need not be.
    [ -z "$back" ] || [ -n "$kept" ] || [ -e "$path/.git" ] || continue
    was=; [ ! -e "$path/.git" ] || was=$(git -C "$path" rev-parse --verify --quiet HEAD)
    git submodule --quiet init -- "$path" || return
    url=$(said "$old" "$name" url)
    if [ "$url" != "$(said "$new" "$name" url)" ] && [ -n "$url$kept" ]; then
      git submodule --quiet sync -- "$path" || return
    fi
    git submodule --quiet update -- "$path" || return
    # None that the host's own configuration leaves out (`submodule.NAME.update` is none).
    [ -e "$path/.git" ] || continue
    (cd -- "$path" && follow "${was:-HEAD}" HEAD "$back") || return
  done < <(names "$new")
}
"""

_MOVE = (
    _SUBMODULES
    + r"""
cd -- "$(git rev-parse --show-toplevel)" && old=$(git rev-parse HEAD) || exit
forget "$old" "$1"
move --detach "$1" || exit
follow "$old" "$1" ''
"""
)

# A checkout that was cut off has written files that git takes for edits: it is done to its end first. Where
# HEAD has moved, nothing was cut off; where no tracked file differs, git had not begun.
_BACK = (
    _SUBMODULES
    + r"""
as_found() {
  [ "$(git rev-parse HEAD)" = "$commit" ] && [ "$(git symbolic-ref --quiet --short HEAD)" = "$branch" ] &&
    git diff --quiet --ignore-submodules HEAD --
}
finish() {
  [ -n "$new" ] && [ "$(git rev-parse HEAD)" != "$new" ] || return 0
  git diff --quiet --ignore-submodules HEAD -- || move --force --detach "$new" ||
    [ "$(git rev-parse HEAD)" = "$new" ]
}
commit=$1 branch=$2 new=$3
cd -- "$(git rev-parse --show-toplevel)" && old=$(git rev-parse HEAD) || exit
if ! as_found; then
  finish || exit
  forget "$old" "$commit"
  if [ -n "$branch" ]; then move "$branch" --; else move --detach "$commit"; fi || as_found || exit
fi
follow "$old" "$commit" back
"""
)

# What git does at every checkout; this one moves nothing.
_TRY = "git -c submodule.recurse=false checkout --quiet"


def checkout(commit: str) -> Command:
    """The work tree and its submodules at `commit`, HEAD detached. git refuses to overwrite local changes."""
    return script(_MOVE, commit, title=f"git checkout {commit}")


def back(commit: str, branch: str, cut_off: str = "") -> Command:
    """The work tree as it was found: at `commit`, and on `branch` if that is not "".

    Nothing is asked of git where it is so already. A hook that fails does not keep it from being so.

    Args:
        cut_off: the commit of a checkout that may have stopped halfway.
    """
    return script(_BACK, commit, branch, cut_off, title=f"git checkout {branch or commit}")


def try_hook() -> Command:
    """A checkout of what is checked out: git writes nothing of the project, but runs the hook."""
    return script(_TRY, title="git checkout")
