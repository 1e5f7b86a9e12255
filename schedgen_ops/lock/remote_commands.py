"""The lock's commands and what they answer. Pure.

A small process on the host, the keeper, holds a kernel lock (flock) for as long as its stdin stays open and a
line arrives at least once in a lease; it says each line back, so that who sent it knows that it was heard. A
holder that ends, is killed, loses its connection or reboots frees it without anybody's help, and no clock is
compared. The kernel's lock is the lock: lock.json only says whose it is, and may be missing on a full disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from schedgen_ops.shell import Command, script

_TITLE = "schedgen-lock"

# `find_keeper` sets `keeper` and `holder`, what it holds the lock for. A keeper's own words tell both where
# lock.json does not: bash -o pipefail -c TEXT schedgen-lock STATE OWNER ...
_LIBRARY = r"""
state=$1 keeper='' holder=''
is_keeper() {
  local words
  [ "$1" != "$$" ] && mapfile -d '' -t words < "/proc/$1/cmdline" || return
  [ "${words[5]-}" = schedgen-lock ] && [ "${words[6]-}" -ef "$state" ] && keeper=$1 holder=${words[7]-}
} 2>/dev/null
find_keeper() {
  local file pid
  pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$state/lock.json" 2>/dev/null)
  [ -z "$pid" ] || ! is_keeper "$pid" || return 0
  for file in $(grep -lsaF schedgen-lock /proc/[0-9]*/cmdline); do
    is_keeper "${file//[!0-9]/}" && return
  done
  holder=$(cat "$state/lock.json" 2>/dev/null)
}
# Both: the folder is there when a file cannot be made any more.
open_lock() {
  exec 8<"$state" && { exec 9>>"$state/lock" || exec 9<"$state/lock" || exec 9<&8; }
} 2>/dev/null
# Who only looks holds it for a moment.
take() { flock "$@" 8 && flock "$@" 9; }
guarded() { [ -d "$state/guard" ] && ! flock --timeout 0.2 "$state/guard/lock" true; }
guard() { cat "$state/guard/owner.json" 2>/dev/null; }
"""

_HOLD = (
    _LIBRARY
    + r"""
owner=$2 lease=$3 ours="\"token\": \"${4:-none}\""
umask 077
mkdir -p "$state" && open_lock || { echo "the lock's folder $state cannot be made" >&2; exit 1; }
if ! take --timeout 0.2; then
  find_keeper
  # Our own, whose connection died: it goes, and whoever comes first gets it.
  case $holder in *"$ours"*) [ -z "$keeper" ] || kill "$keeper"; take --timeout 10 ;; *) false ;; esac ||
    { find_keeper; echo "held $holder"; exit; }
fi
# A release that is watched is somebody's at work too; a guard that died left its folder.
if guarded; then
  holder=$(guard)
  case $holder in *"$ours"*) ;; *) echo "held $holder"; exit ;; esac
else rm -rf "$state/guard"; fi
cd "$state/.." || exit
exclude=$(git rev-parse --git-path info/exclude 2>/dev/null)
if [ -n "$exclude" ] && ! grep -qxF '/.schedgen/' "$exclude" 2>/dev/null; then
  { mkdir -p "$(dirname "$exclude")" && echo '/.schedgen/' >> "$exclude"; } 2>/dev/null
fi
changed() { stat -c %.9Y "$state/lock" 2>/dev/null; }
before=$(changed); touch -c "$state/lock" 2>/dev/null
{ printf '{"pid":%s,%s\n' "$$" "${owner#\{}" > "$state/lock.json"; } 2>/dev/null || rm -f "$state/lock.json"
trap 'rm -f "$state/lock.json"; exit' EXIT TERM INT HUP
echo "acquired $(cat "$state/current" 2>/dev/null) at=$EPOCHSECONDS before=$before mark=$(changed)"
while IFS= read -r -t "$lease" beat; do printf '%s\n' "$beat"; done
"""
)

_WHO = (
    _LIBRARY
    + """
if guarded; then echo "held $(guard)"; exit; fi
{ exec 8<"$state"; } 2>/dev/null || { echo free; exit; }
{ exec 9<"$state/lock" || exec 9<&8; } 2>/dev/null
if take --nonblock; then echo free; else find_keeper; echo "held $holder"; fi
"""
)

# Only a process that is still our keeper is ended: the number may belong to another one by now.
_BREAK = (
    _LIBRARY
    + r"""
pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$state/guard/owner.json" 2>/dev/null)
[ -n "$pid" ] && tr '\0' '\n' < "/proc/$pid/cmdline" 2>/dev/null | grep -qxF schedgen-guard && kill "$pid"
find_keeper
[ -z "$keeper" ] || kill "$keeper"
[ ! -d "$state/guard" ] || flock --timeout 10 "$state/guard/lock" true
open_lock && take --timeout 10
"""
)


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
        """Who runs it, as user@laptop."""
        return f"{self.user}@{self.machine}"

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.command, self.release, self.since and f"since {self.since}")))
        return ", ".join(filter(None, (self.person, what)))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host says: acquired (with the release that serves), held (by whom), or free.

    Attributes:
        at: the host's time of day when it was acquired, in seconds since 1970; 0 where it did not say.
        before, mark: when it was acquired the last time before, and now, as the host marks it: who finds its
            own mark `before` knows that nobody else had it meanwhile. "" where that cannot be told.
    """

    state: str
    owner: Owner | None = None
    current: str = ""
    at: int = 0
    before: str = ""
    mark: str = ""


def hold(state: str, owner: Owner, lease: int, *, again: bool = False) -> Command:
    """Return the command that takes the lock and keeps it until `lease` seconds passed in silence.

    Args:
        again: whether it may be ours already, over a connection that died: then it is taken over.
    """
    token = owner.token if again else ""
    return script(_HOLD, state, json.dumps(asdict(owner)), str(lease), token, title=_TITLE)


def who(state: str) -> Command:
    """Return the command that tells whether the lock is held, and by whom; it changes nothing."""
    return script(_WHO, state, title="schedgen-lock-who")


def break_(state: str) -> Command:
    """Return the command that ends the process that holds the lock, and waits until the lock is free."""
    return script(_BREAK, state, title="schedgen-unlock")


def parse(line: str) -> Answer:
    """Read the first line of `hold`, or the answer of `who`."""
    word, _, rest = line.strip().partition(" ")
    if word == "held":
        return Answer("held", _owner(rest))
    words = rest.split()
    facts = dict(text.split("=", 1) for text in words if "=" in text)
    at = facts.get("at", "")
    return Answer(
        word,
        current=next((text for text in words if "=" not in text), ""),
        at=int(at) if at.isdecimal() else 0,
        before=facts.get("before", ""),
        mark=facts.get("mark", ""),
    )


def _owner(text: str) -> Owner | None:
    try:
        data: dict[str, Any] = json.loads(text)
        names = ("user", "machine", "since", "command", "release", "token")
        return Owner(**{name: str(data.get(name, "")) for name in names})
    except (ValueError, AttributeError):
        return None
