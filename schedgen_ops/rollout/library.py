"""What the roll-out's scripts share: bash functions over `docker` and the ingress's runtime API. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.host_scripts import library
from schedgen_ops.shell import LOCALE, Command, script

LIBRARY = library("rollout")

# $1 the folder of our state, $2 the services to work on, then a body and its arguments. One script at a time
# works on a service; one that was left alone, by Ctrl-C, a lost connection or the end of our patience, still
# ends what it began: it is in a session of its own, and what is ended is who listens to it.
ALONE = (
    LOCALE
    + """
state=$1 services=$2 body=$3; shift 3
umask 077
for service in $services; do
  exec {fd}>>"$state/roll-$service.lock"
  flock --timeout 3600 "$fd" || { echo "another script still works on $service" >&2; exit 1; }
done
setsid bash -o pipefail -c "$body" schedgen-roll "$@" <&0 &
wait "$!"
"""
)

_WORDS = r"""
project=$1 limit=$2 drain=$3 count=$4; shift 4
docker=("${@:1:count}"); shift "$count"
"""
HEAD = (
    _WORDS
    + """
find_ids gates schedgen-ingress || exit
ingress=${gates[0]-}
"""
)
# For what looks for the ingress again whenever it needs it.
WATCHING = (
    _WORDS
    + """
ingress=$(ids_of schedgen-ingress | head -n 1)
"""
)


def alone(state: str, services: Sequence[str], body: str, *args: str, title: str = "replace") -> Command:
    """The script `body`, alone on `services`; it goes on when the connection dies."""
    return script(ALONE, state, " ".join(services), body, *args, title=f"{title} {', '.join(services)}")


def head(compose: Compose, health: int, drain: int) -> tuple[str, ...]:
    """The arguments that HEAD reads; `health` and `drain` in seconds."""
    docker = compose.docker.words
    return (compose.project, str(health), str(drain), str(len(docker)), *docker)
