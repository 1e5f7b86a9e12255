"""What the tests of a Swarm share: an environment on one, a compose file, an engine made of files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from kit import program

from schedgen_ops.commands.definition import Service, parse_services
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.settings import Settings

DIGEST = "registry:5000/shop-web:r1@sha256:" + "1" * 64
DOCUMENT: dict[str, Any] = {
    "name": "shop",
    "services": {
        "store": {
            "image": "redis:7",
            "volumes": [{"type": "volume", "source": "data", "target": "/data", "volume": {}}],
            "networks": {"default": None},
        },
        "web": {
            "build": {"context": "/srv/shop/web"},
            "command": None,
            "environment": {"WORD": "cost$$5", "UNSET": None},
            "configs": [{"source": "motd", "target": "/motd"}],
            "secrets": [{"source": "key", "target": "/run/secrets/key", "mode": "0440"}],
            "ports": [{"mode": "ingress", "target": 8000, "published": "3000", "protocol": "tcp"}],
            "networks": {"default": {"aliases": ["site"]}},
            "healthcheck": {"test": ["CMD", "true"], "interval": "1s", "start_interval": "1s"},
            "depends_on": {"store": {"condition": "service_healthy", "required": True}},
            "deploy": {"replicas": 2, "resources": {"limits": {"cpus": 0.5, "memory": "536870912"}}},
            "mem_reservation": "1048576",
            "restart": "unless-stopped",
        },
    },
    "networks": {"default": {"name": "shop_default", "ipam": {}}},
    "volumes": {"data": {"name": "shop_data"}},
    "configs": {"motd": {"name": "shop_motd", "file": "/srv/shop/motd"}},
    "secrets": {"key": {"name": "shop_key", "file": "/srv/shop/key"}},
}


def swarm(**changes: Any) -> Settings:
    """An environment on a Swarm."""
    known: dict[str, Any] = {
        "project": "shop",
        "directory": "/srv/shop",
        "hosts": [{"name": "app1", "address": "app1"}, {"name": "app2", "address": "app2"}],
        "orchestrator": "swarm",
        "swarm": {"registry": "registry:5000"},
        "health": {"settle": 7},
    }
    return Settings.model_validate({**known, **changes})


def document(**changes: Any) -> dict[str, Any]:
    """The compose file, with further keys of its service `web`."""
    made = copy.deepcopy(DOCUMENT)
    made["services"]["web"].update(changes)
    return made


def services(written: dict[str, Any]) -> tuple[Service, ...]:
    """The services of a compose file."""
    return parse_services(written, {})


def record(strategy: str = "ingress", digest: str = DIGEST, **more: Any) -> ServiceRecord:
    """What a release says of a service."""
    return ServiceRecord("shop-web:r1", "sha256:1", "", strategy=strategy, digest=digest, replicas=2, **more)


# A manager made of files. `service-NAME`: definition, state of its update, how many are to run, the update's
# words. `task-NAME-N`: what it is to do, what it does, its definition (after / how often the service had been
# restarted), why it ended. `forced` is how often it was; `stopped`: what a stop noted. `nodes`: id, status.
# `id-NAME`: its id, where that is another. `pauses`: of an update, in nanoseconds. `deploys` comes with a
# deploy, `updates` with a `service update`, `next-N` at the N-th look.
_DOCKER = r"""
cd -- "$FAKE" || exit 9
echo "$*" >> log
tab=$'\t' last=${!#}
last=${last#shop_}
# A service's id is id-NAME, or what the file of that name says.
id_of() { cat "id-$1" 2> /dev/null || echo "id-$1"; }
named() {
  local file
  for file in service-*; do
    [ ! -e "$file" ] || [ "$(id_of "${file#service-}")" != "$1" ] || { echo "${file#service-}"; return; }
  done
  echo "${1#shop_}"
}
last=$(named "$last")
look() {
  local at=1
  [ ! -e looks ] || at=$(($(< looks) + 1))
  echo "$at" > looks
  [ ! -d "next-$at" ] || cp "next-$at"/* .
}
has() { [ -e "service-$last" ]; }
case "$*" in
  'stack deploy'*)
    [ ! -e leaderless ] || {
      rm leaderless
      echo 'rpc error: The swarm does not have a leader.' >&2
      exit 1
    }
    [ ! -d deploys ] || cp deploys/* .
    ;;
  'node ls '*) cat nodes 2> /dev/null ;;
  'service update '*) [ ! -d updates ] || cp updates/* . ;;
  'service inspect --format {{with .Spec.UpdateConfig}}'*) cat pauses 2> /dev/null || true ;;
  'service rm '*)
    [ ! -e falls_silent ] || touch silent
    for n in "${@:3}"; do n=$(named "$n"); rm -f "service-$n" task-"$n"-*; done
    ;;
  'service logs '*) echo "words of $last" ;;
  'events '*) exec sleep 60 ;;
  'service inspect --format {{with .Spec.Mode.Replicated}}'*)
    has && cut -d' ' -f3 "service-$last" | cut -d/ -f2
    ;;
  'service inspect --format {{json .Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}'*) echo null ;;
  'service inspect --format {{.Spec.TaskTemplate.ForceUpdate}}'*) cat forced ;;
  'service inspect --format {{index .Spec.Labels'*) cat stopped 2> /dev/null || true ;;
  'service inspect --format {{index'*) has && cut -d' ' -f1 "service-$last" ;;
  'service inspect --format {{.ID}} '*)
    has || { echo "Error: no such service: ${!#}" >&2; exit 1; }
    id_of "$last"
    ;;
  'service inspect --format {{.ID}}'*)
    look
    has || exit 1
    read -r _ state _ text < "service-$last"
    echo "id-$last$tab$state$tab$text"
    ;;
  'service inspect --format {{.Spec.Name}}'*) echo "shop_$last" ;;
  'service inspect '*) has ;;
  'service ls --filter id='*) cut -d' ' -f3 "service-${4#id=id-}" ;;
  'service ls '*)
    [ ! -e silent ] || { echo 'no answer' >&2; exit 1; }
    for file in service-*; do [ ! -e "$file" ] || echo "shop_${file#service-}"; done
    ;;
  'service ps --format '*)
    look
    for file in task-"$last"-*; do
      read -r _ state _ < "$file"
      [ "$state" != running ] || echo "shop_$last.1 Running 2 minutes ago"
    done
    ;;
  'service ps '*)
    look
    for n in "$@"; do [[ $n != shop_* ]] || ls task-"${n#shop_}"-* 2> /dev/null; done
    ;;
  'inspect --type task --format {{.Status.State}}'*)
    for file in "${@:6}"; do
      look
      read -r _ state _ why < "$file"
      echo "$state|$(cut -d- -f2 <<< "$file")|$why"
    done
    ;;
  'inspect --type task '*)
    for file in "${@:6}"; do
      read -r wanted state definition why < "$file"
      forced=0
      [[ $definition != */* ]] || forced=${definition#*/}
      echo "$(id_of "$(cut -d- -f2 <<< "$file")")$tab$wanted$tab$state$tab${definition%/*}$tab$forced$tab$why"
    done
    ;;
  *) exit 9 ;;
esac
"""


def engine(folder: Path) -> None:
    """Puts the engine into a folder, with all that it is made of."""
    program(folder, "docker", f"FAKE={folder}\n{_DOCKER}")
