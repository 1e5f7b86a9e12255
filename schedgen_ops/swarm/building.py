"""Images on a Swarm: built or pulled on the manager, pushed, and the files that the stack is deployed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from schedgen_ops.checklist import arrival
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import files, swarm
from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.image_names import server_of
from schedgen_ops.deploy import images, pulling, resolving
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.host_context import QUICK
from schedgen_ops.ops import maintenance
from schedgen_ops.orchestrators.swarm import fitting, gate, stack, volumes
from schedgen_ops.release import store
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import state
from schedgen_ops.settings import Settings
from schedgen_ops.swarm import finding
from schedgen_ops.swarm.manager import MIGRATING, commands, folder, numbered, seen
from schedgen_ops.swarm.session import SwarmSession

Records = dict[str, ServiceRecord]


def build(session: SwarmSession) -> None:
    """Build or pull the release's images, push them, and write its files; touch nothing that runs."""
    host_run = session.at_work
    release = host_run.release
    host_run.services, found = resolving.resolve(host_run, release.id, release.commit, release.tag)
    tracked = found.ids
    document = resolving.kept(host_run, release.id)
    _fits(host_run, document)
    for service in host_run.settings.stores:
        finding.refuse_elsewhere(host_run.context, document, service)
    there = seen(host_run.context)
    if host_run.old:
        # The way back has as many, too.
        as_now = {**host_run.old.services, **numbered(host_run.old.services, there)}
        host_run.old = replace(host_run.old, services=as_now)
    records = _described(host_run, tracked, there)
    overlay = rollout.overlay(records, release.id, None, host_run.services)
    host_run.run(host_run.orchestrator.pin(host_run.paths.release(release.id), overlay))
    at_once(
        [partial(pulling.pull, host_run, records), partial(images.build_here, host_run, records)],
        interrupt=host_run.remote.interrupt,
    )
    images.share(host_run, records)
    records = _as_made(host_run, document, records, tracked, there)
    made = _pushed(host_run, records)
    _Writing(session, document, made.records, made.ingress).write()


def _fits(host_run: HostRun, document: Mapping[str, Any]) -> None:
    """Pre-flight has refused it before; what only images tell is known by now."""
    found = tuple(fitting.misfits(document, host_run.services, host_run.settings.directory))
    if found:
        raise OpsError(
            f"a Swarm cannot run it: {found[0]}",
            host=host_run.remote.name,
            detail="\n".join(map(str, found[1:])),
            hint=found[0].hint,
        )


def _described(host_run: HostRun, tracked: Mapping[str, str], there: swarm.Seen) -> Records:
    """The records of the services; of as many containers as there are where the compose file says none."""
    settings, release = host_run.settings, host_run.release
    known = images.describe(settings, host_run.host, host_run.services, release.id, host_run.old, tracked)
    return {**known, **numbered(known, there)}


def _as_made(
    host_run: HostRun,
    document: Mapping[str, Any],
    records: Records,
    tracked: Mapping[str, str],
    there: swarm.Seen,
) -> Records:
    """The records with what only images tell: their ids, and which of them declare volumes."""
    told = host_run.run(host_run.docker.images_told(*(record.image for record in records.values()))).stdout
    made = dict(zip(records, engine.parse_images(told), strict=True))
    declared = {name: image.volumes for name, image in made.items()}
    host_run.services = state.judged(host_run.services, host_run.settings, declared, tracked)
    _fits(host_run, document)
    known = _described(host_run, tracked, there)
    return {name: replace(record, image_id=made[name].id) for name, record in known.items()}


@dataclass(frozen=True, slots=True)
class _Made:
    records: Records
    ingress: str


def _pushed(host_run: HostRun, records: Records) -> _Made:
    """Records with the digests by which nodes pull, and the ingress's."""
    settings = host_run.settings
    known = {service.name: service for service in host_run.services}
    wanted = {
        record.image: "" if known[name].built else known[name].image for name, record in records.items()
    }
    ingress = settings.ingress.image if any(known[name].ports for name in records) else ""
    if ingress:
        pulling.pull_ingress(host_run)
        wanted[ingress] = ingress
    command = commands(host_run.context).push(settings.swarm.registry or "", wanted)
    digests = swarm.parse_pushed(host_run.run(command, settings.build.deadline).stdout)
    if lost := [wanted[image] or image for image in wanted if not digests.get(image)]:
        text = f"came from no registry, so that no other node can pull it: {', '.join(sorted(lost))}"
        raise OpsError(text, host=host_run.remote.name, hint=arrival.PUSHED_TO)
    host_run.say(f"{len(wanted)} images are in {_where(settings, digests)}")
    return _Made(
        {name: replace(record, digest=digests[record.image]) for name, record in records.items()},
        digests.get(ingress, ""),
    )


def _where(settings: Settings, digests: Mapping[str, str]) -> str:
    """The registries that nodes pull from, in words."""
    if settings.from_git:
        return "the registry"
    return " and ".join(sorted({server_of(digest) for digest in digests.values()}))


@dataclass(frozen=True, slots=True)
class _Writing:
    """The files of a release, written into its folder; and its record."""

    session: SwarmSession
    document: Mapping[str, Any]
    records: Records
    ingress: str

    def write(self) -> None:
        """Write all, and make the configs that are not there yet."""
        host_run = self.session.at_work
        settings = host_run.settings
        here = [service for service in host_run.services if service.name in self.records]
        routes = gate.behind(here, settings)
        page = maintenance.page_text(settings)
        entrance = gate.gate(routes, here, self.document, settings, self.ingress, page)
        contents = self._contents()
        made = [(each.kind, each.name(settings.project), each.path, "") for each in contents]
        made += [("configs", name, "", text) for name, text in (entrance.texts if entrance else {}).items()]
        if made:
            host_run.run(commands(host_run.context).contents(settings.project, made))
        nodes = self._nodes(here)
        parts = {
            name: stack.part(self.document, name, record, settings, contents, nodes.get(name, ""))
            for name, record in self.records.items()
        }
        leads = {name: tuple(each.proxy for each in routes if each.service == name) for name in parts}
        raw = {route.proxy for route in routes if route.raw}
        records = {
            name: replace(
                record,
                definition=parts[name].definition,
                proxies=leads[name],
                raw=tuple(each for each in leads[name] if each in raw),
                alias="",
            )
            for name, record in self.records.items()
        }
        more = (entrance.part,) if entrance else ()
        self._put((*parts.values(), *more, *self._migrating(contents, nodes)))
        host_run.new = replace(host_run.release, services=records)
        store.write(host_run.remote, host_run.paths, host_run.new)

    def _put(self, parts: Sequence[stack.Part]) -> None:
        host_run = self.session.at_work
        where = folder(host_run.paths, host_run.release.id)
        for part in parts:
            host_run.run(files.replace(f"{where}/{part.name}.json", part.text))

    def _contents(self) -> tuple[stack.Content, ...]:
        host_run = self.session.at_work
        found = stack.files(self.document)
        if not found:
            return ()
        told = host_run.run(swarm.hashes([path for _, _, path in found])).lines()
        return tuple(stack.Content(*each, hash_) for each, hash_ in zip(found, told, strict=True))

    def _migrating(
        self, contents: Sequence[stack.Content], nodes: Mapping[str, str]
    ) -> tuple[stack.Part, ...]:
        """The job that moves the schema: the service that has the migrations, with another command."""
        settings = self.session.settings
        asked = settings.migrations
        if asked is None or asked.service not in self.records:
            return ()
        said = dict(self.document["services"][asked.service])
        # What a stack takes for a variable is written twice.
        said |= {
            "command": [word.replace("$", "$$") for word in asked.run],
            "healthcheck": {"test": ["NONE"]},
        }
        services = {**self.document["services"], MIGRATING: said}
        record = replace(self.records[asked.service], strategy="job", replicas=1)
        document = {**self.document, "services": services}
        return (stack.part(document, MIGRATING, record, settings, contents, nodes.get(asked.service, "")),)

    def _nodes(self, services: Sequence[Service]) -> dict[str, str]:
        """The id of the node that has the volumes of each service that has any on a node's own disk."""
        asked = volumes.tied(self.document, services)
        placed = {name: names for name, names in asked.items() if not self._placed(name)}
        if not placed:
            return {}
        # Where it is now it stays, whether or not its node answers just now.
        there = seen(self.session.at_work.context)
        now = {each.service: each.node for each in there.services if each.node}
        found = {name: now[name] for name in placed if name in now}
        if wanted := {name: names for name, names in placed.items() if name not in found}:
            asked_for = sorted({name for names in wanted.values() for name in names})
            having, first = self._having(asked_for, {node.name for node in there.nodes})
            found |= {name: _one(name, names, having, first) for name, names in wanted.items()}
        return found

    def _placed(self, name: str) -> bool:
        """Whether the owner says himself on which node a service runs."""
        deploy = self.document["services"][name].get("deploy") or {}
        return swarm.pinned((deploy.get("placement") or {}).get("constraints") or ())

    def _having(self, names: Sequence[str], known: set[str]) -> tuple[Mapping[str, Sequence[str]], str]:
        """The ids of the nodes, of those that are known, that have each volume; and that of the manager."""
        session = self.session
        command = swarm.volumes(session.at_work.docker, names)
        told = session.nodes.each(lambda remote: remote.run(command, deadline=QUICK).lines()).values()
        having = {name: [id_ for id_, *volumes in told if name in volumes] for name in names}
        if len(told) < len(known) and (lost := [name for name in names if not having[name]]):
            text = "no node that answers has it, and one that does not may"
            hint = "Name all nodes in `hosts` of the config, or give the service a placement constraint."
            raise OpsError(f"where the volume {lost[0]} is, is not known: {text}", hint=hint)
        return having, told[0][0]


def _one(service: str, names: Sequence[str], having: Mapping[str, Sequence[str]], first: str) -> str:
    """The node of a service: the one that has all its volumes; the manager where none has."""
    ids = {id_ for name in names for id_ in having[name]}
    if len(ids) > 1:
        raise OpsError(
            f"several nodes have volumes of {service}: {', '.join(names)}",
            hint="Move the data to one of them, and remove the others (`docker volume rm`).",
        )
    return next(iter(ids), first)
