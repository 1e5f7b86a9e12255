"""The state of a checkout: its commit, and what differs from that."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.git.history import unquoted
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The state of a checkout.

    Attributes:
        commit: the full id of HEAD.
        branch: the branch checked out, "" when HEAD is detached.
        changed: tracked files that differ from HEAD, as `git status --short` lists them.
        untracked: files that git neither tracks nor ignores.
        moved: submodules that differ from HEAD in nothing but the commit that they are at.
        unclean: submodules that have changes of their own.
    """

    commit: str
    branch: str
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    moved: tuple[str, ...] = ()
    unclean: tuple[str, ...] = ()


NO_WORK_TREE = WorkTree("", "", (), ())


def work_tree(*ours: str) -> Command:
    """HEAD, its branch and what differs from it. `ours` are paths of our own that do not count."""
    excludes = [f":(exclude){path}" for path in ours]
    head = sh("git", "rev-parse", "HEAD")
    branch = sh("git", "symbolic-ref", "--quiet", "--short", "HEAD").or_else(sh("echo", ""))
    plain = ("git", "-c", "core.quotePath=false", "-c", "status.relativePaths=true")
    status = sh(*plain, "status", "--porcelain=v2", "--untracked-files=normal", "--", ":/", *excludes)
    # Else it writes the index anew, with a lock that another look could take for a stale one.
    status = status.with_env("GIT_OPTIONAL_LOCKS", "0")
    return head.and_then(branch).and_then(status).named("git status")


def parse_work_tree(stdout: str) -> WorkTree:
    """Reads the answer of `work_tree`."""
    # Without a branch and without changes, the commit is all that a trimmed answer holds.
    commit, branch, *lines = [*stdout.split("\n"), ""]
    untracked = tuple(unquoted(line[2:]) for line in lines if line.startswith("? "))
    entries = [entry for line in lines if (entry := _entry(line))]
    moved = tuple(path for _, sub, path in entries if _only_moved(sub))
    changed = tuple(
        f"{state} {path}" for state, sub, path in entries if not _only_moved(sub) and sub != "S..U"
    )
    unclean = tuple(path for _, sub, path in entries if sub.startswith("S") and "M" in sub)
    left = tuple(f"{path} (in it)" for _, sub, path in entries if sub == "S..U")
    return WorkTree(commit, branch, changed, untracked + left, moved, unclean)


def _only_moved(sub: str) -> bool:
    return sub.startswith("SC") and "M" not in sub


# How many fields stand before the path, by the kind of the line: changed, renamed, unmerged.
_FIELDS = {"1": 8, "2": 9, "u": 10}


def _entry(line: str) -> tuple[str, str, str] | None:
    kind, _, _ = line.partition(" ")
    if kind not in _FIELDS:
        return None
    fields = line.split(" ", _FIELDS[kind])
    path = fields[-1].partition("\t")[0]
    return fields[1].replace(".", " "), fields[2], unquoted(path)


def complaint(stderr: str) -> str:
    """Why git failed, in its own words: what it adds below is the same for every cause."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    grave = [line for line in lines if line.startswith(("fatal:", "error:"))]
    rest = [line for line in lines if "warning" not in line.lower()]
    return next(iter(grave or rest or lines), "")


def pack(directory: str, file: str) -> Command:
    """What is checked out of the files that git tracks, submodules' too, packed into a file on the host.

    Args:
        directory: the project's.
        file: its whole path.
    """
    return host_script("git/pack", title="pack the code", directory=directory, file=file)


def parse_packed(stdout: str) -> tuple[int, str]:
    """Reads the answer of `pack`: the file's bytes, and where in its repository the project is.

    Raises:
        ValueError: where it says something else.
    """
    length, _, prefix = stdout.removesuffix("\n").partition(" ")
    return int(length), prefix
