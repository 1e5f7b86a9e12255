"""Which services a release replaces, and why; and what a release's own compose file adds. Pure."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.docker import (
    DEFINITION_LABEL,
    ENDED,
    INGRESS,
    JOBS_LABEL,
    RELEASE_LABEL,
    Container,
)
from schedgen_ops.commands.json_yaml import readable
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, ServiceRecord
from schedgen_ops.rollout import own_overlay
from schedgen_ops.rollout.strategies import registry

# Stand for Compose's own tags, which JSON cannot say.
_RESET = "reset-by-schedgen"
_OVERRIDE = "override-by-schedgen "
_OVERRIDDEN = re.compile(f'"{_OVERRIDE}' + r'(?:[^"\\]|\\.)*"')
# Docker's own rule for a part of a repository's name.
_NAME_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_LABEL = 63
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_.-]")


class Action(StrEnum):
    """What happens to a service."""

    KEEP = "unchanged"
    REPLACE = "replace"
    START = "start"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What happens to a service, and why."""

    service: str
    action: Action
    reason: str = ""

    @property
    def touches(self) -> bool:
        """Whether the service is touched at all."""
        return self.action is not Action.KEEP


def image_name(project: str, service: str, release_id: ReleaseId) -> str:
    """Return the name that keeps a service's image for a release."""
    return f"{project}-{_in_a_name(service)}:{_NOT_IN_A_TAG.sub('-', release_id)}"


def built_name(project: str, service: str, environment: str, release_id: ReleaseId) -> str:
    """Return the name that this machine keeps an image by, where it has built it for a release.

    It is none that a host has, or its owner: this machine may be either too.
    """
    names = f"{_in_a_name(project)}/{_in_a_name(service)}"
    return f"schedgen-built/{names}:{built_tag(environment, release_id)}"


def built_names(project: str, environment: str) -> str:
    """Return the pattern of all such names of an environment."""
    return f"schedgen-built/{_in_a_name(project)}/*:{environment}.*"


def carried_names(images: Iterable[str], release_id: ReleaseId) -> dict[str, str]:
    """Return the name that each image, by its id, has on its way to a host."""
    tag = _NOT_IN_A_TAG.sub("-", release_id)
    return {id_: f"schedgen-carried/{number}:{tag}" for number, id_ in enumerate(images)}


def built_tag(environment: str, release_id: ReleaseId) -> str:
    """Return what such names of a release have in common: the tag."""
    return f"{environment}.{_NOT_IN_A_TAG.sub('-', release_id)}"


def _in_a_name(name: str) -> str:
    """A name as a part of an image's, which has rules of its own: told from others by its hash."""
    if _NAME_PART.fullmatch(name):
        return name
    plain = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{plain or 'service'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def alias(project: str, service: str) -> str:
    """Return the name of a service's containers on its networks that no other project's have."""
    name = f"schedgen-{project}-{_in_a_name(service)}"
    # A label of DNS has no more.
    return name if len(name) <= _LABEL else f"schedgen-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def definition(service: Service, tracked: Mapping[str, str], directory: str, called: str = "") -> str:
    """Return a hash of what a service is apart from its image.

    Args:
        tracked: path below `directory` to git object id, of the files in the repository.
        called: the name of ours that its containers need to be found behind its own; "" for none.
    """
    paths = (below(mount, directory) for mount in service.mounts)
    ids = [f"{path}={tracked[path]}" for path in paths if path in tracked]
    ids += [f"called {called}"] if called else []
    ids += [f"given {service.given}"] if service.given else []
    if not ids:
        return service.definition
    return hashlib.sha256("\n".join([service.definition, *ids]).encode()).hexdigest()


def mounted(services: Iterable[Service], directory: str) -> tuple[str, ...]:
    """Return the paths that services mount and that may be the project's own, as git names them.

    A project may lie deeper in its repository, and mount what is beside it or the folder that it is in.
    """
    mounts = {mount for service in services for mount in service.mounts}
    # What Compose takes for a path of Windows is none here: the engine says so.
    ours = (mount for mount in mounts if mount.startswith("/"))
    near = (mount for mount in ours if posixpath.commonpath((mount, directory)) != "/")
    return tuple(sorted(below(mount, directory) for mount in near))


def below(mount: str, directory: str) -> str:
    """Return a path as git names it in `directory`; `.` is that itself."""
    return posixpath.relpath(mount, directory)


def overlay(
    records: Mapping[str, ServiceRecord],
    release_id: ReleaseId,
    ingress: Mapping[str, Any] | None = None,
    services: Iterable[Service] = (),
    sources: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return what a release's compose file says beyond its owner's, as YAML.

    Image names and labels; and, with an `ingress`, that service, which has the ports of those behind it. No
    registry is asked for a name of ours, nothing is needed that is not there, and of a job its end is.

    Args:
        sources: what is mounted instead of paths of the host.
    """
    written = {each.name: each for each in services}
    jobs = {name for name, record in records.items() if registry.of(record).ends}
    needs = {name: said for name, each in written.items() if (said := _needs(each, jobs))}
    body: dict[str, Any] = {
        name: {
            "image": record.image,
            "pull_policy": "never",
            "labels": {
                RELEASE_LABEL: release_id,
                DEFINITION_LABEL: record.definition,
                **_jobs_label(jobs & {name, *record.needs}),
            },
            **({"ports": _RESET} if ingress and record.proxies else {}),
            **({"label_file": _RESET} if name in written and written[name].label_file else {}),
            **_scale(record),
            **({"depends_on": needs[name]} if name in needs else {}),
            **(
                {"networks": _known_as(record.alias, written[name].networks)}
                if record.alias and name in written
                else {}
            ),
            **(own_overlay.volumes(written[name], sources) if name in written else {}),
        }
        for name, record in records.items()
    }
    if ingress:
        # No label of the release: the ingress is replaced only when it itself changes.
        body[INGRESS] = dict(ingress)
    return _tagged({"services": body, **own_overlay.files(written.values(), sources)})


def _known_as(alias: str, networks: Iterable[str]) -> dict[str, Any]:
    return {network: {"aliases": [alias]} for network in networks}


def _needs(service: Service, jobs: Collection[str]) -> str | dict[str, Any]:
    """What is to be said of a service's needs; nothing where its owner said all of it."""
    ended = {name: {"condition": ENDED} for name in service.needs if name in jobs}
    if not service.needs_text:
        return ended
    written = json.loads(service.needs_text)
    told = {name: {**how, **ended.get(name, {})} for name, how in written.items()}
    return _OVERRIDE + json.dumps(told, sort_keys=True)


def _jobs_label(jobs: Iterable[str]) -> dict[str, str]:
    text = ",".join(f"{name}:{ENDED}" for name in sorted(jobs))
    return {JOBS_LABEL: text} if text else {}


def _scale(record: ServiceRecord) -> dict[str, int]:
    """The number of containers, where only what runs tells it."""
    return {} if record.counted or record.replicas == 1 else {"scale": record.replicas}


def relabelled(
    overlay: str, release_id: ReleaseId, records: Mapping[str, ServiceRecord] = MappingProxyType({})
) -> str:
    """Return the overlay of an earlier release for a new one that runs the same.

    Args:
        records: how many there are of services, and which files of theirs are the release's own.
    """
    document = _untagged(overlay)
    for name, service in document["services"].items():
        if RELEASE_LABEL in service.get("labels", {}):
            service["labels"][RELEASE_LABEL] = release_id
        if name in records:
            service.pop("scale", None)
            service.update(_scale(records[name]))
            own = [each for each in service.pop("volumes", ()) if each["target"] in records[name].own_files]
            service.update({"volumes": own} if own else {})
    return _tagged(document)


def _tagged(document: Mapping[str, Any]) -> str:
    """A document as YAML, with Compose's own tags."""
    text = json.dumps(document).replace(json.dumps(_RESET), "!reset []")
    tagged = _OVERRIDDEN.sub(lambda found: "!override " + json.loads(found[0]).removeprefix(_OVERRIDE), text)
    return readable(tagged)


def _untagged(text: str) -> dict[str, Any]:
    """The inverse of `_tagged`."""
    text = text.replace("!reset []", json.dumps(_RESET))
    head, *parts = text.split("!override ")
    for part in parts:
        needs, end = json.JSONDecoder().raw_decode(part)
        head += json.dumps(_OVERRIDE + json.dumps(needs, sort_keys=True)) + part[end:]
    return dict(json.loads(head))


def changes(
    order: Iterable[str],
    wanted: Mapping[str, ServiceRecord],
    running: Iterable[Container],
    serving: Release | None = None,
    foreseen: Mapping[str, str] | None = None,
    release_id: ReleaseId = NO_RELEASE,
) -> tuple[ServiceChange, ...]:
    """Return what happens to each service of `order` that the release has.

    Args:
        release_id: whose jobs that have ended well are not run again.
        running: the project's containers, as they are.
        serving: the release that serves; it knows what containers that Compose started were made from.
        foreseen: why services will differ whose images are not built yet.
    """
    found: dict[str, list[Container]] = {}
    for container in running:
        found.setdefault(container.service, []).append(container)
    return tuple(
        _job(service, found.get(service, []), release_id)
        if registry.of(wanted[service]).ends
        else _change(
            service, wanted[service], found.get(service, []), serving, (foreseen or {}).get(service, "")
        )
        for service in order
        if service in wanted
    )


def _job(service: str, containers: Collection[Container], release_id: ReleaseId) -> ServiceChange:
    if containers and all(box.release == release_id and box.ended_well for box in containers):
        return ServiceChange(service, Action.KEEP)
    return ServiceChange(service, Action.RUN, "a job, which every release runs")


def _change(
    service: str,
    wanted: ServiceRecord,
    containers: Collection[Container],
    serving: Release | None,
    foreseen: str,
) -> ServiceChange:
    if not containers:
        there = wanted.replicas > 0
        return ServiceChange(service, *((Action.START, "not there yet") if there else (Action.KEEP,)))
    if why := foreseen or differs(wanted, containers, serving):
        return ServiceChange(service, Action.REPLACE, why)
    if any(container.status != "running" for container in containers):
        return ServiceChange(service, Action.START, "not running")
    if len(containers) != wanted.replicas:
        return ServiceChange(
            service, Action.REPLACE, f"{len(containers)} containers instead of {wanted.replicas}"
        )
    return ServiceChange(service, Action.KEEP)


def differs(wanted: ServiceRecord, containers: Collection[Container], serving: Release | None) -> str:
    """Return what of containers is not as `wanted`; "" for nothing."""
    if any(container.image != wanted.image_id for container in containers):
        return "its image changed"
    if any(_definition(container, serving) != wanted.definition for container in containers):
        return "its definition changed"
    if any(box.own - {*wanted.own_files} for box in containers):
        return "what it mounts is in the project's folder again"
    return ""


def _definition(container: Container, serving: Release | None) -> str:
    if container.definition:
        return container.definition
    # Compose's label knows nothing of mounted files: the record does, if it is of the same file.
    known = serving.services.get(container.service) if serving else None
    return known.definition if known and known.written == container.written else container.written


def removed(running: Iterable[Container], wanted: Collection[str]) -> tuple[str, ...]:
    """Return the services that run and that the release no longer has."""
    return tuple(sorted({container.service for container in running} - {*wanted, INGRESS}))


def names_to_drop(
    images: Mapping[str, str], kept: Iterable[Release], project: str, known: Collection[ReleaseId]
) -> tuple[str, ...]:
    """Return our image names that no kept release needs.

    Args:
        images: name to id of the images on the host that look like ours.
        known: the ids of every release whose images are ours to drop.
    """
    needed = {record.image for release in kept for record in release.services.values()}
    tags = {_NOT_IN_A_TAG.sub("-", each) for each in known}
    return tuple(
        sorted(
            name
            for name in images
            if name not in needed and name.startswith(f"{project}-") and name.rpartition(":")[2] in tags
        )
    )
