"""What a deploy on a Swarm would do, found out without changing anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from schedgen_ops.checklist import changes, fitting
from schedgen_ops.checklist import look as coming_to
from schedgen_ops.command_errors import checked
from schedgen_ops.commands.definition import Service, parse_services
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.images import describe
from schedgen_ops.deploy.preview import pulled, pulled_anew, version_of
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.ops.maintenance import page_text
from schedgen_ops.orchestrators.swarm import gate
from schedgen_ops.orchestrators.swarm.fitting import misfits
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.swarm.manager import folder

Row = tuple[str, str, str, str]
_HOW = {
    "ingress": "start-first, behind the ingress",
    "start-first": "start-first",
    "job": "run to its end, before what needs it",
}
_STOP_FIRST = "stop-first: away for as long as its new container needs"
_ANY = "sha256:any"


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen.

    Attributes:
        running: the release that serves; "" for none.
        services: what happens to each service, why, and how.
        ingress: what happens to the ingress, in words; "" for nothing.
        problems: what a Swarm cannot run.
        pulled: the services whose images are pulled though they are there: only that tells what changed.
        coded: whether it is a commit, whose files and migrations are known.
    """

    running: str
    version: str
    commits: tuple[str, ...]
    migrations: tuple[str, ...]
    services: tuple[Row, ...]
    ingress: str = ""
    problems: tuple[str, ...] = ()
    pulled: tuple[str, ...] = ()
    coded: bool = True

    @property
    def head(self) -> tuple[tuple[str, str], ...]:
        """What stands above the services."""
        facts = (
            ("Running", self.running or "nothing that was deployed yet"),
            *(("To mend", text) for text in self.problems),
            ("Would be", self.version),
            *((("New migrations", ", ".join(self.migrations) or "none"),) if self.coded else ()),
            *pulled_anew(self.pulled),
            ("Ingress", self.ingress),
        )
        return tuple((label, value) for label, value in facts if value)


def look(host: HostContext, ref: Ref) -> Preview:
    """Return what a deploy of `ref` would do; changes nothing.

    Args:
        host: the manager.

    Raises:
        OpsError: where the ref is not there, or the new compose file is no good.
    """
    settings, paths = host.settings, Paths(host.settings.directory)
    asked = (store.read_command(paths), host_script("release/definition", state=paths.state).kept_private())
    answers = host.remote.batch(asked, deadline=60)
    releases, defined = (checked(*pair, host.name) for pair in zip(asked, answers, strict=True))
    serving = store.certain(store.parse_shelf(releases.stdout), paths, host.name).serving
    old = serving.commit if serving else ""
    coming = coming_to.parse(
        settings, ref, host.run(coming_to.command(settings, ref, old, hashed=False), 300)
    )
    version = version_of(host, ref, coming)
    if coming.document is None:
        raise OpsError(f"Compose does not take the compose file of {ref}: {coming.said}", host=host.name)
    now, before = json.loads(coming.document), json.loads(defined.stdout) if defined.stdout.strip() else {}
    wanted = fitting.known(settings, parse_services(now, {}), coming, ())
    known = describe(settings, host.entry, wanted, ReleaseId("plan"), serving, coming.tracked.ids)
    return Preview(
        serving.id if serving else "",
        version,
        coming.commits,
        coming.migrations,
        tuple(rows(settings, wanted, known, before, now, changes.paths(coming))),
        ingress(settings, wanted, before, now, page_text(settings), _had(host, serving)),
        tuple(map(str, misfits(now, wanted, settings.directory))),
        pulled(settings, (service for service in wanted if service.name in known)),
        settings.from_git,
    )


def _had(host: HostContext, serving: Release | None) -> str:
    """The file of the ingress that serves; "" where nobody knows."""
    if serving is None:
        return ""
    path = f"{folder(Paths(host.settings.directory), serving.id)}/{INGRESS}.json"
    return host.run(sh("cat", "--", path).kept_private(), check=False).stdout


def rows(
    settings: Settings,
    services: Sequence[Service],
    known: Mapping[str, ServiceRecord],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    changed: Sequence[str],
) -> Iterator[Row]:
    """Yield what happens to each service. Pure.

    Args:
        known: how each is replaced.
        before: the compose file of the release that serves, resolved; empty for none.
        now: the one to come.
        changed: the files that differ, as paths from the project's directory.
    """
    said = changes.differences(json.dumps(before), json.dumps(now)) if before else ()
    differs = dict(line.split(": ", 1) for line in said)
    paths = [PurePosixPath(settings.directory) / path for path in changed]
    for service in (each for each in services if each.name in known):
        record = known[service.name]
        how = _HOW.get(record.strategy, _STOP_FIRST)
        count = f", {record.replicas} one after the other" if record.replicas > 1 else ""
        why = _why(service, differs.get(service.name, ""), paths)
        if record.strategy == "job":
            yield service.name, "run", "a job, which every release runs", how
        elif not before:
            yield service.name, "start", "not there yet", how
        else:
            first = f"{_share(settings, record)}{how}{count}"
            yield service.name, "replace" if why else "unchanged", why, first if why else ""
    for name, text in differs.items():
        if text == "no more a service":
            yield name, "left", f"{text}: it goes on, and is told of", ""


def _share(settings: Settings, record: ServiceRecord) -> str:
    """What of a canary there is, where the guard begins with one."""
    shares = settings.guard.canary
    if not shares:
        return ""
    # As on one host, what others do not reach by the ingress has no share.
    if record.strategy != "ingress":
        return "no part of the canary; "
    guarded = "" if settings.guard.enabled else "guarded, "
    return f"{guarded}first a canary with {', '.join(map(str, shares))} % of the requests; "


def _why(service: Service, differs: str, changed: Sequence[PurePosixPath]) -> str:
    mounted = [path for path in changed if str(path) in service.mounts]
    built = service.built and any(path.is_relative_to(service.context) for path in changed)
    keys = differs.split(", ") if differs else []
    # Of an image whose tag a release picks, which one it is matters.
    named = f"its image is {service.image}" if service.picked and "image" in keys else ""
    parts = (
        named,
        ", ".join(key for key in keys if not (named and key == "image")),
        f"what is in {', '.join(path.name for path in mounted)}" if mounted else "",
        "files that its image is built from" if built else "",
    )
    return "; ".join(filter(None, parts))


def ingress(
    settings: Settings,
    services: Sequence[Service],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    page: str,
    file: str = "",
) -> str:
    """Return what happens to the ingress, in words; "" for nothing. Pure.

    Args:
        page: what visitors get who are turned away.
        file: what the ingress was deployed by; "" where nobody knows.
    """
    new = gate.gate(gate.behind(services, settings), services, now, settings, _ANY, page)
    if new is None:
        return ""
    if not before:
        return "put on every node, with its published ports"
    had = parse_services(before, {})
    old = gate.gate(gate.behind(had, settings), had, before, settings, _ANY, page)
    same_page = not file or all(name in file for name, text in new.texts.items() if text == page)
    if same_page and old is not None and old.part.definition == new.part.definition:
        return ""
    return "replaced node by node: the ports of each answer nobody for some seconds"
