"""Which variables have a value, as Compose itself reads the env file. No value leaves the host."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from schedgen_ops.commands.compose import Compose
from schedgen_ops.shell import Command, script

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SERVICE = "variables"

# $1 a compose file that says `set` for each variable that is, $2 the env file, the rest `docker compose`. It
# is asked twice: as the release will be, and without what this shell has of its own. Its complaint can quote
# the file, so that only what is known to hold nothing of it is passed on.
_ASK = r"""
model=$1 file=$2; shift 2
[ -r "$file" ] || cat -- "$file" > /dev/null || exit
keep=" PATH HOME USER LOGNAME SHELL PWD LANG LC_ALL TMPDIR XDG_RUNTIME_DIR
 DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY "
ask() { printf '%s' "$model" | "$@" --env-file "$file" -f - config --format json; }
alone() {
  local name
  for name in $(compgen -e); do
    case $keep in *[[:space:]]"$name"[[:space:]]*) ;; *) unset "$name" ;; esac
  done
  ask "$@" 2>/dev/null
}
exec 3< <(alone "$@" 2>/dev/null | tr -d '\n')
here=$(ask "$@" 2>/dev/null | tr -d '\n'); code=$?
if [ "$code" -ne 0 ]; then
  said=$(ask "$@" 2>&1 >/dev/null)
  case $said in *"unknown flag"*|*"not a docker command"*|*"unknown command"*)
    printf '%s\n' "${said%%$'\n'*}" >&2; exit "$code" ;;
  esac
  where=; [[ $said =~ line\ ([0-9]+): ]] && where="line ${BASH_REMATCH[1]}: "
  for known in 'unterminated quoted value' 'key cannot contain a space' 'unexpected character' \
    'Invalid template' 'required variable' 'is a directory' 'permission denied'; do
    case $said in *"$known"*) echo "refused $where$known"; exit 0 ;; esac
  done
  echo "refused ${where}something in it"
  exit 0
fi
printf 'own %s\nhere %s\nalone ' "$(compgen -e | tr '\n' ' ')" "$here"; cat <&3
"""


@dataclass(frozen=True, slots=True)
class Variables:
    """What Compose says of variables.

    Attributes:
        here: those that have a value for what is run from here.
        alone: those that the env file gives one, whatever the shell's own environment has.
        own: the names of what the shell has, which goes before the env file.
        refused: why Compose does not take the file, "" if it does.
    """

    here: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    refused: str = ""


def variables(compose: Compose, env_file: str, names: Iterable[str]) -> Command:
    """Which of `names` the env file gives a value; run it in the project's directory."""
    labels = {name: f"${{{name}:+set}}" for name in names if _NAME.match(name)}
    model = {"services": {_SERVICE: {"image": _SERVICE, "labels": labels}}}
    words = (json.dumps(model), env_file, *compose.program)
    return script(_ASK, *words, title=f"read the names in {env_file}")


def parse_variables(stdout: str) -> Variables:
    """Reads the answer of `variables`.

    Raises:
        ValueError: where it says something else.
    """
    lines = dict(line.partition(" ")[::2] for line in stdout.split("\n"))
    if "refused" in lines:
        return Variables(refused=lines["refused"])
    if "here" not in lines:
        raise ValueError(f"Compose said nothing of variables: {stdout!r}")
    own = frozenset(lines.get("own", "").split())
    return Variables(_set(lines["here"]), _set(lines.get("alone", "")), own)


def _set(document: str) -> frozenset[str]:
    if not document:
        return frozenset()
    labels: Collection[tuple[str, str]] = json.loads(document)["services"][_SERVICE].get("labels", {}).items()
    return frozenset(name for name, value in labels if value == "set")
