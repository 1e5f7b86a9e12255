"""The lock's commands and what they answer. Pure.

A small process on the host holds a kernel lock (flock) for as long as its stdin stays open and a line
arrives at least once in a lease. A holder that ends, is killed, loses its connection or reboots frees it
without anybody's help, and no clock is compared.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from schedgen_ops.shell import Command, script

_TITLE = "schedgen-lock"

_HOLD = """
state=$1 owner=$2 lease=$3
umask 077
mkdir -p "$state" && exec 9>>"$state/lock" || exit
if ! flock --nonblock 9; then echo "held $(cat "$state/lock.json" 2>/dev/null)"; exit; fi
# A release that is watched is somebody's at work too; a guard that died left its folder.
if [ -d "$state/guard" ]; then
  flock --nonblock "$state/guard/lock" true || { echo "held $(cat "$state/guard/owner.json")"; exit; }
  rm -rf "$state/guard"
fi
exclude=$(git -C "$state/.." rev-parse --git-path info/exclude 2>/dev/null)
cd "$state/.." || exit
if [ -n "$exclude" ] && ! grep -qxF '/.schedgen/' "$exclude" 2>/dev/null; then
  mkdir -p "$(dirname "$exclude")" && echo '/.schedgen/' >> "$exclude"
fi
printf '{"pid":%s,%s\n' "$$" "${owner#\\{}" > "$state/lock.json" || exit
trap 'rm -f "$state/lock.json"; exit' EXIT TERM INT HUP
echo "acquired $(cat "$state/current" 2>/dev/null)"
while IFS= read -r -t "$lease" _; do :; done
"""

_WHO = """
if [ -d "$1/guard" ] && ! flock --nonblock "$1/guard/lock" true; then
  echo "held $(cat "$1/guard/owner.json")"; exit
fi
[ -e "$1/lock" ] || { echo free; exit; }
exec 9<"$1/lock"
if flock --nonblock 9; then echo free; else echo "held $(cat "$1/lock.json" 2>/dev/null)"; fi
"""

# Only a process that is still our keeper is ended: the number may belong to another one by now.
_BREAK = """
for who in guard/owner.json:schedgen-guard lock.json:schedgen-lock; do
  pid=$(sed -n 's/^{"pid":\\([0-9][0-9]*\\),.*/\\1/p' "$1/${who%:*}" 2>/dev/null)
  [ -n "$pid" ] && tr '\\0' '\\n' < "/proc/$pid/cmdline" 2>/dev/null | grep -qxF "${who#*:}" \\
    && kill "$pid"
done
[ ! -d "$1/guard" ] || flock --timeout 10 "$1/guard/lock" true
exec 9<"$1/lock" && flock --timeout 10 9
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the lock.

    Attributes:
        user, machine: who, and the laptop's name.
        since: RFC 3339, the laptop's clock.
        command: what it runs: deploy, rollback, backup.
        release: what it deploys.
        token: tells one run from another.
    """

    user: str
    machine: str
    since: str
    command: str
    release: str
    token: str = ""

    @property
    def person(self) -> str:
        """user@laptop."""
        return f"{self.user}@{self.machine}"

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.command, self.release, self.since and f"since {self.since}")))
        return ", ".join(filter(None, (self.person, what)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host says: acquired (with the release that serves), held (by whom), or free."""

    state: str
    owner: Owner | None = None
    current: str = ""


def hold(state: str, owner: Owner, lease: int) -> Command:
    """Takes the lock in the folder `state` and keeps it; `lease` is the longest silence, in seconds."""
    return script(_HOLD, state, json.dumps(asdict(owner)), str(lease), title=_TITLE)


def who(state: str) -> Command:
    """Tells whether the lock is held, and by whom; changes nothing."""
    return script(_WHO, state, title="schedgen-lock-who")


def break_(state: str) -> Command:
    """Ends the process that holds the lock, and waits until the lock is free."""
    return script(_BREAK, state, title="schedgen-unlock")


def parse(line: str) -> Answer:
    """Reads the first line of `hold`, or the answer of `who`."""
    word, _, rest = line.strip().partition(" ")
    if word == "held":
        return Answer("held", _owner(rest))
    return Answer(word, current=rest.strip())


def _owner(text: str) -> Owner | None:
    try:
        data: dict[str, Any] = json.loads(text)
        names = ("user", "machine", "since", "command", "release", "token")
        return Owner(**{name: str(data.get(name, "")) for name in names})
    except (ValueError, AttributeError):
        return None
