"""git in the project's directory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.shell import Command, script, sh

_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|[^\x00-\x7f]|\.\.|@\{|//|/\.|\.lock(/|\Z)|[/.]\Z|\A[-/.]|\A(?:@|HEAD)\Z"
)
_DIVIDER = re.compile(r"^--\n", re.M)
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")

# A branch of the remote, then a tag, then a commit; a name that is two things at once is refused.
RESOLVE = """
resolve() {
local remote=$1 name=$2 found='' short branch tag
short=${name#refs/heads/}; short=${short#refs/tags/}
find() { git rev-parse --verify --quiet "$1^{commit}"; }
case $name in refs/tags/*) branch='' ;; *) branch=$(find "refs/remotes/$remote/$short") ;; esac
case $name in refs/heads/*) tag='' ;; *) tag=$(find "refs/tags/$short") ;; esac
if [ -n "$branch" ] && [ -n "$tag" ] && [ "$branch" != "$tag" ]; then echo ambiguous; return; fi
found=${branch:-$tag}
if [ -z "$found" ] && [[ $name =~ ^[0-9a-f]{7,64}$ ]]; then found=$(find "$name"); fi
echo "${found:-missing}"
}
"""


def is_ref_name(name: str) -> bool:
    """Whether git would take `name` for a branch, a tag or a commit (the rules of git-check-ref-format)."""
    return 0 < len(name) <= 200 and not _FORBIDDEN.search(name)


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The state of a checkout.

    Attributes:
        commit: the full id of HEAD.
        branch: the branch checked out, "" when HEAD is detached.
        changed: tracked files that differ from HEAD, as `git status --porcelain` lists them.
        untracked: files that git neither tracks nor ignores.
    """

    commit: str
    branch: str
    changed: tuple[str, ...]
    untracked: tuple[str, ...]


def work_tree(*ours: str) -> Command:
    """HEAD, its branch and what differs from it. `ours` are paths of our own that do not count."""
    excludes = [f":(exclude){path}" for path in ours]
    head = sh("git", "rev-parse", "HEAD")
    branch = sh("git", "symbolic-ref", "--quiet", "--short", "HEAD").or_else(sh("echo", ""))
    status = sh("git", "status", "--porcelain", "--untracked-files=normal", "--", ".", *excludes)
    return head.and_then(branch).and_then(status).named("git status")


def parse_work_tree(stdout: str) -> WorkTree:
    """Reads the answer of `work_tree`."""
    # Without a branch and without changes, the commit is all that a trimmed answer holds.
    commit, branch, *lines = [*stdout.splitlines(), ""]
    untracked = tuple(line[3:] for line in lines if line.startswith("??"))
    changed = tuple(line for line in lines if line and not line.startswith("??"))
    return WorkTree(commit, branch, changed, untracked)


def fetch(remote: str) -> Command:
    """Everything the remote has; a tag that was moved there is moved here."""
    return sh("git", "fetch", "--quiet", "--tags", "--force", "--prune", remote).with_env(
        "GIT_TERMINAL_PROMPT", "0"
    )


def resolve(remote: str, name: str) -> Command:
    """The commit that `name` means: a branch of `remote`, a tag, or a commit."""
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
    ids = {ref: commit for commit, _, ref in (line.partition("\t") for line in stdout.splitlines())}
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


def is_commit(text: str) -> bool:
    """Whether `text` has the form of a commit id."""
    return bool(_COMMIT.match(text))


def checkout(commit: str) -> Command:
    """The work tree at `commit`, HEAD detached. git itself refuses to overwrite local changes."""
    return sh("git", "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit)


# Where HEAD moved, nothing was cut off; where no tracked file differs, git had not begun.
_END_CHECKOUT = """
[ "$(git rev-parse HEAD)" != "$1" ] || exit 0
! git diff --quiet HEAD -- || exit 0
git -c advice.detachedHead=false checkout --quiet --force --detach "$1"
"""


def end_checkout(commit: str) -> Command:
    """A checkout of `commit` that was cut off, done to its end: git takes for edits what it had written."""
    return script(_END_CHECKOUT, commit, title="end the checkout")


def checkout_branch(branch: str) -> Command:
    """The work tree at a local branch, HEAD attached to it."""
    return sh("git", "checkout", "--quiet", branch, "--")


def added(old: str, new: str, path: str) -> Command:
    """The files below `path` that `new` has and `old` has not, one a line."""
    return sh("git", "diff", "--name-only", "--no-renames", "--diff-filter=A", old, new, "--", path)


def tree_ids(commit: str, paths: tuple[str, ...]) -> Command:
    """The object ids of tracked `paths` in `commit`: they tell whether a bind-mounted file changed."""
    if not paths:
        return sh("true")
    return sh("git", "ls-tree", "-z", commit, "--", *paths).named("git ls-tree")


def parse_tree_ids(stdout: str) -> dict[str, str]:
    """Path to object id, tracked paths only."""
    entries = (entry.partition("\t") for entry in stdout.split("\0") if entry)
    return {path: meta.split()[2] for meta, _, path in entries}


@dataclass(frozen=True, slots=True)
class Changes:
    """What lies between two commits: one-line commits, newest first, and the files that differ."""

    commits: tuple[str, ...]
    files: tuple[str, ...]


def sections(text: str, count: int) -> list[str]:
    """The parts between lines that say `--`: `count` of them, or a ValueError; the last may hold anything."""
    parts = _DIVIDER.split(text, count - 1)
    if len(parts) != count:
        raise ValueError(f"{len(parts)} parts instead of {count}")
    return parts
