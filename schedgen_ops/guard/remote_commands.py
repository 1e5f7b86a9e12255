"""The guard's commands: the sentry started, followed, spoken to, looked at. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from schedgen_ops.guard import arithmetic
from schedgen_ops.guard.plan import Orders
from schedgen_ops.guard.sentry import PROGRAM, TEXTS
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.shell import Command, script

# The sentry's words come on stdin, a NUL behind each: they are longer than an argument of one line may be.
# It holds the lock of its folder for as long as it lives, and is in a session of its own.
_START = r"""
state=$1 dir=$1/guard owner=$2 mask=$(umask)
umask 077
rm -rf "$dir"; mkdir -p "$dir" && mkfifo "$dir/word" && : > "$dir/log" || exit
mapfile -d '' -t words
exec 9>>"$dir/lock" && flock --nonblock 9 || exit
: > "$dir/errors"
# Files that git checks out on the way back have the modes that they always have.
umask "$mask"
setsid bash -o pipefail -c "${words[0]}" schedgen-guard "${words[@]:1}" </dev/null >"$dir/errors" 2>&1 &
pid=$!
exec 9>&-
printf '{"pid":%s,%s\n' "$pid" "${owner#\{}" > "$dir/owner.json"
for ((tries = 0; tries < 300; tries++)); do
  ! grep -q '^ready$' "$dir/log" || exit 0
  kill -0 "$pid" 2>/dev/null || { tail -n 5 "$dir/errors" >&2; exit 1; }
  sleep 0.1
done
kill "$pid"; echo "the guard did not begin" >&2; exit 1
"""

_FOLLOW = r"""
pid=$(sed -n 's/^{"pid":\([0-9][0-9]*\),.*/\1/p' "$1/guard/owner.json" 2>/dev/null)
[ -z "$pid" ] || tail -n +1 -s 0.2 --pid="$pid" -f "$1/guard/log" 2>/dev/null
exit 0
"""

# A pipe that nobody reads would hold the writer for ever.
_WORD = r"""
[ -p "$1/guard/word" ] || exit 0
timeout 5 bash -c 'printf "%s\n" "$2" > "$1"' bash "$1/guard/word" "$2" || exit 0
"""

_ENDED = """
[ -d "$1/guard" ] || exit 0
exec 9<"$1/guard/lock" && flock --timeout "$2" 9 && rm -rf "$1/guard"
"""

_LOOK = r"""
[ -d "$1/guard" ] || exit 0
if flock --nonblock "$1/guard/lock" true; then echo dead; else echo alive; fi
cat "$1/guard/owner.json"; tail -n 200 "$1/guard/log"
"""


def start(state: str, owner: Owner, orders: Orders) -> Command:
    """Starts the sentry and returns when it is at work; it goes on by itself."""
    words = (PROGRAM, *_words(state, orders))
    command = script(_START, state, json.dumps(asdict(owner)), title="start the guard")
    return command.with_stdin("".join(f"{word}\0" for word in words))


def _words(state: str, orders: Orders) -> tuple[str, ...]:
    head = (orders.project, str(orders.health), str(orders.drain), *_list(orders.docker))
    single = (
        state,
        orders.release,
        "yes" if orders.alone else "no",
        f"{orders.interval}",
        orders.thin,
        str(orders.patience),
        orders.metrics,
        orders.requests_metric,
        orders.latency_metric,
        orders.prometheus,
        " ".join(orders.own_paths),
        str(max(1, -(-orders.policy.min_requests // orders.policy.window))),
        str(orders.policy.window),
        "yes" if orders.policy.log_errors >= 0 else "no",
    )
    lists: tuple[Sequence[str], ...] = (
        tuple(f"{stage.share} {stage.seconds}" for stage in orders.stages),
        arithmetic.variables(orders.policy),
        orders.services,
        orders.proxies,
        orders.targets,
        orders.back,
        orders.keep,
        orders.records,
    )
    return (*head, *single, *(word for part in lists for word in _list(part)), *TEXTS)


def _list(words: Sequence[str]) -> tuple[str, ...]:
    return (str(len(words)), *words)


def follow(state: str) -> Command:
    """The sentry's log from its start, line by line, until it ends; nothing where there is none any more."""
    return script(_FOLLOW, state, title="follow the guard")


def word(state: str, text: str) -> Command:
    """Tells the sentry `keep`, or `back REASON`; no error where there is none any more."""
    return script(_WORD, state, text, title="tell the guard")


def ended(state: str, seconds: int) -> Command:
    """Waits until the sentry has ended, at most so long, and removes what one that died left."""
    return script(_ENDED, state, str(seconds), title="wait for the guard")


def look(state: str) -> Command:
    """`alive` or `dead`, who started it, and the end of its log; nothing where there is no guard."""
    return script(_LOOK, state, title="look at the guard")
