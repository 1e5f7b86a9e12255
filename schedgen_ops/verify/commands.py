"""What watches a host from the host itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands import http
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, script

# Ends with the first container that dies, or when the youngest is old enough: the engine tells, nobody polls.
_SETTLE = """
settle=$1 count=$2; shift 2
ids=("${@:1:count}"); shift "$count"
started=$("$@" inspect --format '{{.State.StartedAt}}' "${ids[@]}" | sort) || exit
until=$(( $(date -d "$(tail -n 1 <<< "$started")" +%s) + settle ))
exec 3< <(exec "$@" events --since "$(head -n 1 <<< "$started")" --until "$until" \\
  --filter event=die "${ids[@]/#/--filter=container=}" \\
  --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}')
events=$!
IFS= read -r died <&3 && echo "$died"
kill "$events" 2>/dev/null
exit 0
"""

# One line a round: STATUS SECONDS ERROR for each URL, tabs between. $1 rounds, $2 seconds between them.
_WATCH = (
    http.GET
    + r"""
rounds=$1 interval=$2; shift 2
now() { echo "${EPOCHREALTIME/[.,]/}"; }
began=$(now)
for ((round = 1; round <= rounds; round++)); do
  line=''
  for pair in "$@"; do line+=$(get "${pair#* }" "${pair%% *}" | tr '\t' ' ')$'\t'; done
  printf '%s\n' "${line%$'\t'}"
  pause=$((began + round * interval * 1000000 - $(now)))
  [ "$round" -eq "$rounds" ] || [ "$pause" -le 0 ] ||
    sleep "$((pause / 1000000)).$(printf %06d "$((pause % 1000000))")"
done
"""
)


def settle(docker: Docker, containers: Sequence[str], seconds: int) -> Command:
    """Waits until every container has run for `seconds`; prints the name and exit code of one that died."""
    ids = (str(len(containers)), *containers)
    return script(_SETTLE, str(seconds), *ids, *docker.words, title="wait for the containers to settle")


def watch(checks: Sequence[Check], rounds: int, interval: int, patience: float) -> Command:
    """Asks every check's URL `rounds` times, `interval` seconds apart, and prints a line a round."""
    pairs = [f"{patience:g} {check.url}" for check in checks]
    return script(_WATCH, str(rounds), str(interval), *pairs, title="watch")
