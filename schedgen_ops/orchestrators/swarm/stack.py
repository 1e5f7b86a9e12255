"""What `docker stack deploy` is given: a file for each service of a release, from its compose file. Pure.

Each file stands by itself, with the networks, volumes and contents that its service uses, so that some can be
deployed without the others, and one that is gone back to is told by its own file alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.docker import DEFINITION_LABEL, ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL
from schedgen_ops.commands.json_yaml import dumped
from schedgen_ops.orchestrators.swarm.fitting import SAME
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.settings import Settings

Body = Mapping[str, Any]
# What the command of an engine as old as 20.10 takes.
VERSION = "3.8"
OURS_LABEL = "schedgen.project"
_KINDS = ("configs", "secrets")
_NAME = 64
_MTU = "com.docker.network.driver.mtu"
# Seconds that a service is watched before the next one; the verification watches all for `health.settle`.
_MONITOR = 5


@dataclass(frozen=True, slots=True)
class Content:
    """A config or a secret: its name tells what is in it, so that other content is another one.

    Attributes:
        kind: configs or secrets.
        key: what the compose file calls it.
        path: the file on the manager that has it.
        hash: of what is in it, in hexadecimal digits.
    """

    kind: str
    key: str
    path: str
    hash: str

    def name(self, project: str) -> str:
        """Return what the Swarm knows it by."""
        name = f"{project}_{self.key}_{self.hash[:12]}"
        return name if len(name) <= _NAME else f"{project[:20]}_{self.hash[:40]}"


@dataclass(frozen=True, slots=True)
class Part:
    """A service of a stack, as a file of its own."""

    name: str
    document: Body

    @property
    def text(self) -> str:
        """The file."""
        return dumped(self.document, sort_keys=True, indent=1)

    @property
    def definition(self) -> str:
        """A hash of all that the service is; its containers have it as a label."""
        return str(self.document["services"][self.name]["labels"][DEFINITION_LABEL])


def files(document: Body) -> tuple[tuple[str, str, str], ...]:
    """Return the contents that a compose file takes from files: the kind, what it calls them, the path."""
    return tuple(
        (kind, key, str(said["file"]))
        for kind in _KINDS
        for key, said in sorted((document.get(kind) or {}).items())
        if said and said.get("file") and not said.get("external")
    )


def part(
    document: Body,
    name: str,
    record: ServiceRecord,
    settings: Settings,
    contents: Iterable[Content] = (),
    node: str = "",
) -> Part:
    """Return the file of a service.

    Args:
        document: the compose file, resolved.
        record: how it is replaced, and by which digest its image is pulled.
        contents: those of the compose file.
        node: the id of the node that has its volume; "" where any node will do.
    """
    said = document["services"][name] or {}
    body = {key: value for key, value in said.items() if key in SAME and value not in (None, "")}
    body |= _told(
        image=record.digest,
        environment={
            key: value for key, value in (said.get("environment") or {}).items() if value is not None
        },
        healthcheck=_healthcheck(said.get("healthcheck") or {}),
        volumes=[_mount(each) for each in said.get("volumes") or ()],
        networks=_networks(said),
        configs=[_use(each) for each in said.get("configs") or ()],
        secrets=[_use(each) for each in said.get("secrets") or ()],
    )
    body["deploy"] = _deploy(said, record, settings, node)
    return finished(name, body, document, settings, contents)


def finished(
    name: str, body: Body, document: Body, settings: Settings, contents: Iterable[Content] = ()
) -> Part:
    """Return the file of a service that says `body`, with all that this uses."""
    used = {
        "networks": {key: _network(key, document) for key in body.get("networks") or ()},
        "volumes": {
            each["source"]: (document.get("volumes") or {}).get(each["source"]) or {}
            for each in body.get("volumes") or ()
            if each["type"] == "volume"
        },
    }
    for kind in _KINDS:
        used[kind] = _contents(kind, body, document, settings, contents)
    # Who looks at the containers of a node finds them as Compose's: logs, exec, what an ingress counted.
    found_by = {PROJECT_LABEL: settings.project, SERVICE_LABEL: name, ONEOFF_LABEL: "False"}
    labels = {**_labels(body.get("labels")), **found_by, DEFINITION_LABEL: mark(body, used)}
    service = {**body, "labels": labels}
    return Part(name, {"version": VERSION, "services": {name: service}, **_told(**used)})


def mark(body: Body, used: Body) -> str:
    """Return what containers of a service are known by that says `body` and uses these.

    They stay as they are where there are to be more or fewer of them.
    """
    deploy = {key: value for key, value in (body.get("deploy") or {}).items() if key != "replicas"}
    said = hashlib.sha256(json.dumps({**body, "deploy": deploy}, sort_keys=True).encode())
    said.update(json.dumps(used, sort_keys=True).encode())
    return said.hexdigest()[:16]


def _told(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _labels(said: Any) -> dict[str, str]:
    if isinstance(said, Mapping):
        return {str(key): str(value) for key, value in said.items()}
    return dict(str(each).partition("=")[::2] for each in said or ())


def _healthcheck(said: Body) -> dict[str, Any]:
    # How often it is asked while it starts is a word that stacks learned later.
    return {key: value for key, value in said.items() if key != "start_interval" and value is not None}


def _mount(said: Body) -> dict[str, Any]:
    mount = {key: said[key] for key in ("type", "source", "target", "read_only") if said.get(key)}
    if propagation := (said.get("bind") or {}).get("propagation"):
        mount["bind"] = {"propagation": propagation}
    if (said.get("volume") or {}).get("nocopy"):
        mount["volume"] = {"nocopy": True}
    if size := (said.get("tmpfs") or {}).get("size"):
        mount["tmpfs"] = {"size": int(size)}
    return mount


def _networks(said: Body) -> dict[str, Any]:
    networks = said.get("networks") or {"default": None}
    return {
        name: _told(aliases=sorted((how or {}).get("aliases") or ())) or None
        for name, how in sorted(networks.items())
    }


def _network(key: str, document: Body) -> dict[str, Any]:
    said = (document.get("networks") or {}).get(key) or {}
    if said.get("external"):
        return {"external": True, **_told(name=said.get("name"))}
    subnets = [
        {"subnet": each["subnet"]}
        for each in (said.get("ipam") or {}).get("config") or ()
        if "subnet" in each
    ]
    return {
        "driver": "overlay",
        "attachable": True,
        **_told(
            name=said.get("name"),
            internal=bool(said.get("internal")),
            driver_opts=_options(said),
            labels=_labels(said.get("labels")),
            ipam={"config": subnets} if subnets else None,
        ),
    }


def _options(said: Body) -> dict[str, str]:
    """Those of an overlay; of another driver's what it understands too."""
    mine = said.get("driver") == "overlay"
    options = said.get("driver_opts") or {}
    return {key: str(value) for key, value in options.items() if mine or key == _MTU}


def _use(said: Any) -> dict[str, Any]:
    if isinstance(said, str):
        return {"source": said}
    use = {key: said[key] for key in ("source", "target", "uid", "gid") if said.get(key)}
    if (mode := said.get("mode")) not in (None, ""):
        use["mode"] = mode if isinstance(mode, int) else int(str(mode), 8)
    return use


def _contents(
    kind: str, body: Body, document: Body, settings: Settings, contents: Iterable[Content]
) -> dict[str, Any]:
    names = {(each.kind, each.key): each.name(settings.project) for each in contents}
    written = document.get(kind) or {}
    found = {}
    for use in body.get(kind) or ():
        key = use["source"]
        # Made before the service is, by us: another content would be refused under the same name.
        name = names.get((kind, key)) or (written.get(key) or {}).get("name") or key
        found[key] = {"external": True, "name": name}
    return found


def _deploy(said: Body, record: ServiceRecord, settings: Settings, node: str) -> dict[str, Any]:
    written = said.get("deploy") or {}
    ends, everywhere = record.strategy == "job", written.get("mode") == "global"
    placement = dict(written.get("placement") or {})
    if node:
        placement["constraints"] = [*(placement.get("constraints") or ()), f"node.id == {node}"]
    counted = {"mode": "global"} if everywhere else {"replicas": 1 if ends else record.replicas}
    return {
        **counted,
        "endpoint_mode": "dnsrr",
        "labels": {**_labels(written.get("labels")), OURS_LABEL: settings.project},
        "update_config": update(settings, written.get("update_config") or {}, _order(record, everywhere)),
        "restart_policy": {"condition": "none"} if ends else _restart(said, written),
        **_told(placement=placement, resources=_resources(said, written)),
    }


def _order(record: ServiceRecord, everywhere: bool) -> str:
    """An engine as old as 20.10 replaces what runs once on each node by stopping it first."""
    beside = record.strategy in ("ingress", "start-first") and not everywhere
    return "start-first" if beside else "stop-first"


def update(settings: Settings, written: Body, order: str) -> dict[str, Any]:
    """Return how a service is updated; going back is ours, for all services together.

    Args:
        written: what its owner says of it.
    """
    return {
        "parallelism": written.get("parallelism") or 1,
        **_told(delay=written.get("delay")),
        "order": order,
        "failure_action": "pause",
        "max_failure_ratio": 0,
        "monitor": f"{min(_MONITOR, max(1, settings.health.settle))}s",
    }


def _restart(said: Body, written: Body) -> dict[str, Any]:
    if policy := written.get("restart_policy"):
        return {key: value for key, value in policy.items() if value is not None}
    word, _, most = str(said.get("restart") or "").partition(":")
    if word == "on-failure":
        return {"condition": "on-failure", **({"max_attempts": int(most)} if most.isdecimal() else {})}
    # A service that nothing starts again is none on a Swarm: nodes come and go.
    return {"condition": "any"}


def _resources(said: Body, written: Body) -> dict[str, Any]:
    resources = written.get("resources") or {}
    limits = _told(cpus=said.get("cpus"), memory=said.get("mem_limit")) | dict(resources.get("limits") or {})
    held = _told(memory=said.get("mem_reservation")) | dict(resources.get("reservations") or {})
    return _told(limits=_texts(limits), reservations=_texts(held))


def _texts(values: Body) -> dict[str, Any]:
    return {key: str(value) if key in ("cpus", "memory") else value for key, value in values.items()}
