"""What lies between two commits, and what a commit has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh

_DIVIDER = re.compile(r"^--\n", re.M)
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_NAMED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


def unquoted(path: str) -> str:
    """A path as it is, where git has put it in quotes for a character that is none of plain text."""
    if not (len(path) > 1 and path[0] == path[-1] == '"'):
        return path

    def character(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes((int(code, 8) & 0xFF if len(code) == 3 else _NAMED[code[0]],))

    return _ESCAPE.sub(character, path[1:-1].encode()).decode(errors="replace")


def added(old: str, new: str, path: str) -> Command:
    """The files below `path` that `new` has and `old` has not, one a line."""
    diff = ("diff", "--name-only", "--no-renames", "--diff-filter=A", old, new, "--", path)
    return sh("git", "-c", "core.quotePath=false", *diff).named("git diff")


def commits(old: str, new: str) -> Command:
    """The commits that `new` has and `old` has not, newest first, one a line."""
    return sh("git", "log", "--oneline", "--no-decorate", "--max-count=200", f"{old}..{new}").named("git log")


def parse_paths(stdout: str) -> tuple[str, ...]:
    """Paths that git printed, one a line."""
    return tuple(unquoted(line) for line in stdout.split("\n") if line)


def commit_times(spans: tuple[str, ...]) -> Command:
    """The command that tells when the commits of each span were made; a span is OLD..NEW or NEW^!."""
    return host_script("git/commit_times", title="git log", spans=spans)


def parse_commit_times(stdout: str) -> dict[str, tuple[float, ...]]:
    """Seconds since the epoch of every commit, by its span; what is no time is passed over."""
    lines = (line.split() for line in stdout.split("\n") if line.strip())
    return {span: tuple(float(word) for word in words if word.isdecimal()) for span, *words in lines}


def tree_ids(commit: str, paths: tuple[str, ...], env: str = "") -> Command:
    """The object ids of tracked `paths` in `commit`: they tell whether a bind-mounted file changed.

    What speaks against a copy of each is told with it; `commands.own_files.parse_tracked` reads the answer.

    Args:
        env: the env file, which is a part of the path that it is in; "" for none.
    """
    return host_script("git/tree_ids", title="git ls-tree", commit=commit, paths=paths, env=env)


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
