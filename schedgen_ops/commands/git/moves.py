"""The work tree moved to a commit, and back to where it was found; its submodules go with it."""

from __future__ import annotations

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def checkout(commit: str) -> Command:
    """The work tree and its submodules at `commit`, HEAD detached. git refuses to overwrite local changes."""
    return host_script("git/checkout", title=f"git checkout {commit}", commit=commit)


def back(commit: str, branch: str, cut_off: str = "") -> Command:
    """The work tree as it was found: at `commit`, and on `branch` if that is not "".

    Nothing is asked of git where it is so already. A hook that fails does not keep it from being so.

    Args:
        cut_off: the commit of a checkout that may have stopped halfway.
    """
    title = f"git checkout {branch or commit}"
    return host_script("git/back", title=title, commit=commit, branch=branch, cut_off=cut_off)


def try_hook() -> Command:
    """A checkout of what is checked out: git writes nothing of the project, but runs the hook."""
    return sh("git", "-c", "submodule.recurse=false", "checkout", "--quiet").named("git checkout")
