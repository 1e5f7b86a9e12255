"""Commands that run on a host at the same time, in one script, and their answers read back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, call

_NEWLINE = "\x1f"
_LATE = 124

# Each job writes lines NUMBER out|err PIECE and at last NUMBER end CODE MICROSECONDS; a pipe keeps a line of
# up to 4096 bytes whole, whoever else writes. Jobs have process groups of their own, so that what is late can
# be ended with all it started, and so that nothing goes on when this script is ended.
_TOGETHER = r"""
tell() {
  local rest=${3//$'\n'/$'\x1f'} size
  while [ -n "$rest" ]; do
    # Never within a character of UTF-8.
    for ((size = 3500; size > 3496; size--)); do [[ ${rest:size:1} == [$'\x80'-$'\xbf'] ]] || break; done
    printf '%s %s %s\n' "$1" "$2" "${rest:0:size}"; rest=${rest:size}
  done
}
job() {
  local begun=${EPOCHREALTIME/[.,]/} err code
  { err=$({ out=$(eval "$2" </dev/null 2>&4 3>&- 4>&-); code=$?
    tell "$1" out "$out" >&3; exit "$code"; } 4>&1); code=$?; } 3>&1
  tell "$1" err "$err"
  printf '%s end %s %s\n' "$1" "$code" "$((${EPOCHREALTIME/[.,]/} - begun))"
}
end() { for group in "${groups[@]}"; do kill -KILL -- "-$group"; done 2>/dev/null; }
together() {
  local limit=$1 number=0 text jobs; shift
  set -m
  export LC_ALL=C
  groups=()
  trap end EXIT
  trap 'exit 143' TERM INT HUP
  for text in "$@"; do
    job "$number" "$text" 2>/dev/null &
    groups+=($!); number=$((number + 1))
  done
  jobs=("${groups[@]}")
  { sleep "$limit"; end; } 2>/dev/null &
  groups+=($!)
  wait "${jobs[@]}" 2>/dev/null
  exit 0
}"""


def together(commands: Sequence[Command], limit: float) -> Command:
    """Return one command that runs others at the same time; `results` reads what it prints.

    Args:
        limit: seconds after which those that still run are ended.

    Raises:
        ValueError: for a command that reads stdin, or has secrets: they would share it.
    """
    if any(command.stdin is not None or command.secrets for command in commands):
        raise ValueError("a command that runs beside others cannot read stdin")
    return call(_TOGETHER, "together", f"{limit:g}", *(command.text for command in commands), title="checks")


def results(stdout: str, count: int, limit: float) -> tuple[Result, ...]:
    """Return how each of `count` commands ended; one that did not end has exit code 124 and says so."""
    pieces: list[dict[str, list[str]]] = [{"out": [], "err": []} for _ in range(count)]
    ends: list[tuple[int, float] | None] = [None] * count
    for line in stdout.split("\n"):
        match line.split(" ", 2):
            case [number, ("out" | "err") as stream, text] if number.isdigit() and int(number) < count:
                pieces[int(number)][stream].append(text)
            case [number, "end", text] if number.isdigit() and int(number) < count:
                code, _, micros = text.partition(" ")
                ends[int(number)] = (int(code), int(micros) / 1e6)
    late = (f"did not end within {limit:g} s",)
    return tuple(
        Result(_text(said["out"]), _text(said["err"]), *end)
        if end
        else Result(_text(said["out"]), _text([*said["err"], *late]), _LATE, limit)
        for said, end in zip(pieces, ends, strict=True)
    )


def _text(pieces: Sequence[str]) -> str:
    return "".join(pieces).replace(_NEWLINE, "\n")
