"""git in the project's directory: its names, its remote, its state, and the work tree moved."""

from schedgen_ops.commands.git.history import (
    Changes,
    added,
    commit_times,
    commits,
    parse_commit_times,
    parse_paths,
    sections,
    tree_ids,
    unquoted,
)
from schedgen_ops.commands.git.moves import back, checkout, try_hook
from schedgen_ops.commands.git.remote import (
    advertised,
    fetch,
    parse_advertised,
    parse_resolved,
    resolve,
)
from schedgen_ops.commands.git.state import GitLock, WorkTreeState, parse_state, state
from schedgen_ops.commands.git.tree import (
    NO_WORK_TREE,
    WorkTree,
    complaint,
    pack,
    parse_packed,
    parse_work_tree,
    work_tree,
)
from schedgen_ops.commands.ref_names import Ref, is_commit, is_ref_name

__all__ = [
    "NO_WORK_TREE",
    "Changes",
    "GitLock",
    "Ref",
    "WorkTree",
    "WorkTreeState",
    "added",
    "advertised",
    "back",
    "checkout",
    "commit_times",
    "commits",
    "complaint",
    "fetch",
    "is_commit",
    "is_ref_name",
    "pack",
    "parse_advertised",
    "parse_commit_times",
    "parse_packed",
    "parse_paths",
    "parse_resolved",
    "parse_state",
    "parse_work_tree",
    "resolve",
    "sections",
    "state",
    "tree_ids",
    "try_hook",
    "unquoted",
    "work_tree",
]
