"""The prober's command. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands import http
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, script

# One process for each URL says a line a request: start in microseconds, URL's number, status, time. Lines on
# stdin name the phase that begins. It ends with its stdin, or when nothing was heard for $1 seconds.
_PROBE = (
    http.GET
    + r"""
silence=$1 pause=$2 patience=$3; shift 3
echo probing
number=0 jobs=()
for url in "$@"; do
  ( trap 'exit 0' TERM
    # Nothing ever comes here: to wait for it takes no process of its own.
    exec 9<> <(:)
    while :; do
      start=${EPOCHREALTIME/[.,]/}
      request "$url" "$patience"
      read -r status seconds _ <<< "$answer"
      printf '%s %s %s %s\n' "$start" "$number" "$status" "$seconds"
      read -r -t "$pause" <&9
    done ) </dev/null 2>/dev/null &
  jobs+=($!); number=$((number + 1))
done
trap 'kill "${jobs[@]}" 2>/dev/null' EXIT
while IFS= read -r -t "$silence" line; do
  [ -z "$line" ] || printf '%s phase %s\n' "${EPOCHREALTIME/[.,]/}" "$line"
done
"""
)


def probe(checks: Sequence[Check], *, silence: int, pause: float, patience: float) -> Command:
    """Asks the checks' URLs again and again, and says what they answered.

    Args:
        silence: seconds without a line on stdin after which it ends.
        pause: seconds from an answer to the next request.
        patience: seconds after which a request has failed.
    """
    numbers = (str(silence), f"{pause:g}", f"{patience:g}")
    return script(_PROBE, *numbers, *(check.url for check in checks), title="probe")
