"""Whether git could move the work tree: locks that are left, what it may not write, a hook of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.commands.git.tree import complaint
from schedgen_ops.shell import Command, script

# A young lock whose git is still at work is waited for. What belongs to this very look is none: same session.
_STATE = r"""
top=$(git rev-parse --show-toplevel) && dir=$(git rev-parse --absolute-git-dir) || exit
common=$(cd -- "$(git rev-parse --git-common-dir)" && pwd) || exit
shopt -s globstar nullglob
session() {
  local stat
  read -r stat 2>/dev/null < "/proc/$1/stat" && stat=${stat##*) } && set -- $stat && echo "$4"
}
ours=$(session $$)
running() {
  local process name where words
  for process in /proc/[0-9]*; do
    name=; read -r name 2>/dev/null < "$process/comm"
    case $name in git|git-*) ;; *) continue ;; esac
    where=$(readlink -- "$process/cwd") || continue
    case $where/ in "$top"/*|"$dir"/*|"$common"/*) ;; *) continue ;; esac
    words=$(tr '\0\n' '  ' 2>/dev/null < "$process/cmdline")
    [ "$(session "${process#/proc/}")" = "$ours" ] || echo "runs ${process#/proc/} ${words% }"
  done
}
locks() {
  local file changed
  for file in "$dir"/*.lock "$common"/*.lock "$dir"/refs/**/*.lock "$common"/refs/**/*.lock \
    "$common"/modules/**/index.lock "$common"/modules/**/HEAD.lock "$common"/modules/**/config.lock; do
    changed=$(stat -c %Y -- "$file" 2>/dev/null) && echo "lock $(($(date +%s) - changed)) $file"
  done | sort -u
}
until=$((SECONDS + 4))
while :; do
  left=$(locks) busy=
  [ -z "$left" ] || busy=$(running)
  [ -n "$busy" ] && [[ $left == "lock "[0-9]" "* ]] && [ "$SECONDS" -lt "$until" ] || break
  sleep 0.2
done
[ -z "$left" ] || printf '%s\n' "$left"
[ -z "$busy" ] || printf '%s\n' "$busy"
for path in "$top" "$dir" "$common"; do [ -w "$path" ] || echo "closed $path"; done
while IFS= read -rd '' path; do
  [ ! -d "$top/$path" ] || [ -w "$top/$path" ] || echo "shut $path"
done < <(git ls-tree -rd --full-tree --name-only -z HEAD)
hook=$(git rev-parse --git-path hooks/post-checkout)
[ ! -x "$hook" ] || echo "hook $hook"
[ -n "$left" ] || said=$(git update-index -q --refresh 2>&1) || [ -z "$said" ] || printf 'said %s\n' "$said"
exit 0
"""

_SAID = re.compile(r"^said (.*)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file of git, and for how many seconds it has been there."""

    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class State:
    """What could keep git from moving the work tree.

    Attributes:
        locks: lock files that are there.
        running: the git processes at work there meanwhile: process id and command.
        closed: the folders that nothing works without, as far as this user may not write to them.
        shut: folders of tracked files that this user may not write to.
        hook: the program that git runs after a checkout, "" for none.
        said: why git cannot write its index, in its own words; "" if it can.
    """

    locks: tuple[Lock, ...] = ()
    running: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    hook: str = ""
    said: str = ""


def state() -> Command:
    """Whether git could move the work tree; moves nothing."""
    return script(_STATE, title="look at git")


def parse_state(stdout: str) -> State:
    """Reads the answer of `state`."""
    pairs = [line.partition(" ")[::2] for line in stdout.split("\n")]
    found = {kind: tuple(dict.fromkeys(v for k, v in pairs if k == kind)) for kind, _ in pairs}
    locks = tuple(_lock(text) for text in found.get("lock", ()))
    said = _SAID.search(stdout)
    return State(
        locks=locks,
        running=found.get("runs", ()),
        closed=found.get("closed", ()),
        shut=found.get("shut", ()),
        hook=next(iter(found.get("hook", ())), ""),
        said=complaint(said[1]) if said else "",
    )


def _lock(text: str) -> Lock:
    seconds, _, path = text.partition(" ")
    return Lock(path, max(0, int(seconds)))
