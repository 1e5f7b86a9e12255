"""What is stopped for a while is on record on the host before, so that whoever comes next can start it. Pure.

A record is a file in `stopped` in our folder of state: the ids of containers, a line each. It goes once all
of them were started, by the run that stopped them or, should that one be killed, by a later one.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import PRESENT, Docker
from schedgen_ops.commands.files import WHOLE
from schedgen_ops.shell import Command, script

# `docker` has the engine's words. All that are told to start are asked to, whatever becomes of one; what the
# engine does not answer because it is being restarted is asked again.
FUNCTIONS = (
    PRESENT
    + WHOLE
    + r"""
is_away() { case $1 in *'connect to the Docker daemon'* | *'error during connect'*) ;; *) return 1 ;; esac; }
start_all() {
  local end=$((SECONDS + 60)) said
  [ "$#" -gt 0 ] || return 0
  until said=$("${docker[@]}" start "$@" 2>&1 >/dev/null); do
    is_away "$said" && [ "$SECONDS" -lt "$end" ] || { printf '%s\n' "${said%%$'\n'*}" >&2; return 1; }
    sleep 1
  done
}
# $1 the record, then the containers that are about to be stopped; what stands in it already stays.
note_stopped() {
  local file=$1; shift
  [ "$#" -gt 0 ] || return 0
  mkdir -p -- "${file%/*}" && { ! [ -e "$file" ] || cat -- "$file"; printf '%s\n' "$@"; } > "$file.part" &&
    durable "$file.part" "$file"
}
# Of these containers, those that are there: id and status, a line each.
there() { [ "$#" -eq 0 ] || present '{{.Id}} {{.State.Status}}' "$@"; }
"""
)

# $1 the record, $2 how many of docker's words follow, those, then containers.
_STOP = (
    FUNCTIONS
    + r"""
umask 077
file=$1 count=$2; shift 2
docker=("${@:1:count}"); shift "$count"
note_stopped "$file" "$@" || { echo "what is to be stopped could not be noted" >&2; exit 1; }
exec "${docker[@]}" stop "$@" >/dev/null
"""
)

# $1 our folder of state, $2 how many of docker's words follow, those, then names of records; without any, all
# of them, once what works on them has ended. `ports` is left to who hands those over: what is in it may not
# be started beside the ingress. Prints `started ID` for each.
_START = (
    FUNCTIONS
    + r"""
state=$1 count=$2; shift 2
docker=("${@:1:count}"); shift "$count"
reason=''
bad() { reason=${reason:-${1:-Docker does not tell which containers there are}}; }
begin() { start_all "$@" && printf 'started %s\n' "$@"; }
if [ "$#" -eq 0 ]; then
  [ ! -e "$state/restore.lock" ] || flock --timeout 3600 "$state/restore.lock" true || {
    echo "another script still works here" >&2; exit 1; }
  for file in "$state"/stopped/*; do
    case $file in *.part | */ports | *'/*') ;; *) set -- "$@" "${file##*/}" ;; esac
  done
fi
for name in "$@"; do
  file=$state/stopped/$name
  [ -e "$file" ] || continue
  rows=$(there $(sort -u -- "$file")) || { bad; continue; }
  mapfile -t ids < <(sed -n '/ running$/!s/ .*//p' <<< "$rows")
  if [ "${#ids[@]}" -gt 0 ] && [ -n "${ids[0]}" ]; then
    said=$(begin "${ids[@]}" 2>&1) || { bad "${said##*$'\n'}"; continue; }
    printf '%s\n' "$said"
  fi
  rm -f -- "$file"
done
[ -z "$reason" ] || { echo "$reason" >&2; exit 1; }
"""
)


def path(state: str, name: str) -> str:
    """The record of that name."""
    return f"{state}/stopped/{name}"


def stop(docker: Docker, state: str, name: str, containers: Sequence[str]) -> Command:
    """Containers stopped, and noted before."""
    words = (path(state, name), str(len(docker.words)), *docker.words, *containers)
    return script(_STOP, *words, title=f"stop {name}")


def start(docker: Docker, state: str, *names: str) -> Command:
    """What stands in these records started again, in all of them without any; each, whatever another does."""
    words = (state, str(len(docker.words)), *docker.words, *names)
    return script(_START, *words, title=f"start {' '.join(names) or 'what was stopped'}")
