"""The proof that a service cannot start with its files, from its state and its log. Pure.

Only its own last words prove it: that it ran, ended with an error, and that the error speaks of its data. All
else (a port in use, a full disk, a slow start, no memory, an image that is missing) says nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schedgen_ops.commands.docker import Container

# What keeps a service from starting whatever its files are like: next to it, no other word proves anything.
_ANOTHER_CAUSE = re.compile(
    r"No space left on device|Disk quota exceeded|Permission denied|Operation not permitted"
    r"|Read-only file system|Cannot allocate memory|out of memory|Address already in use|address in use"
    r"|Input/output error"
    r"|Too many open files|Connection refused|Resource temporarily unavailable|password is not"
)
_BAD = re.compile(r"(?i)\b(fatal|panic|error|fail\w*|denied|cannot|could not|no such|refus\w+|not set)\b")
_ENDED = ("exited", "dead", "restarting")
# It ended well, or somebody else ended it: the kernel for want of memory, or `docker stop`.
_NOT_BY_ITSELF = (0, 137, 143)


def evidence(box: Container, log: Sequence[str], damage: Sequence[str]) -> str:
    """Return the line by which a service has shown that it cannot start with its files; "" if none.

    Args:
        box: its container, as it was left.
        log: what it wrote.
        damage: regular expressions of what speaks of its data.
    """
    ended = box.status in _ENDED and not box.oom_killed and box.exit_code not in _NOT_BY_ITSELF
    if not ended or any(map(_ANOTHER_CAUSE.search, log)):
        return ""
    patterns = [*map(re.compile, damage)]
    spoken = (line for line in log if any(pattern.search(line) for pattern in patterns))
    return next(spoken, "").strip()


def story(service: str, box: Container | None, log: Sequence[str]) -> str:
    """Return what was seen of a service, in a few words."""
    if box is None:
        return f"{service} has no container"
    if box.status == "running":
        return f"it runs{f', {box.health}' if box.health else ''}, and may still be starting"
    if box.status == "created":
        return "its container was never started"
    bad = [line for line in log if _BAD.search(line)] or list(log)
    last = f", after {bad[-1].strip()!r}" if bad else ""
    return (
        f"it {box.status} with exit code {box.exit_code}{', out of memory' if box.oom_killed else ''}{last}"
    )
