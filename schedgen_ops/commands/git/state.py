"""Whether git could move the work tree: locks that are left, what it may not write, a hook of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.commands.git.tree import complaint
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

_SAID = re.compile(r"^said (.*)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class GitLock:
    """A lock file of git, and for how many seconds it has been there."""

    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class WorkTreeState:
    """What could keep git from moving the work tree.

    Attributes:
        locks: lock files that are there.
        running: the git processes at work there meanwhile: process id and command.
        closed: the folders that nothing works without, as far as this user may not write to them.
        shut: folders of tracked files that this user may not write to.
        hook: the program that git runs after a checkout, "" for none.
        said: why git cannot write its index, in its own words; "" if it can.
    """

    locks: tuple[GitLock, ...] = ()
    running: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    hook: str = ""
    said: str = ""


def state() -> Command:
    """Whether git could move the work tree; moves nothing."""
    return host_script("git/state", title="look at git")


def parse_state(stdout: str) -> WorkTreeState:
    """Reads the answer of `state`."""
    pairs = [line.partition(" ")[::2] for line in stdout.split("\n")]
    found = {kind: tuple(dict.fromkeys(v for k, v in pairs if k == kind)) for kind, _ in pairs}
    locks = tuple(_lock(text) for text in found.get("lock", ()))
    said = _SAID.search(stdout)
    return WorkTreeState(
        locks=locks,
        running=found.get("runs", ()),
        closed=found.get("closed", ()),
        shut=found.get("shut", ()),
        hook=next(iter(found.get("hook", ())), ""),
        said=complaint(said[1]) if said else "",
    )


def _lock(text: str) -> GitLock:
    seconds, _, path = text.partition(" ")
    return GitLock(path, max(0, int(seconds)))
