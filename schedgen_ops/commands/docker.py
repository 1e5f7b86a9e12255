"""The Docker Engine's command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from schedgen_ops.commands.image_names import HUB, repository_of
from schedgen_ops.host_scripts import library
from schedgen_ops.shell import Command, sh, sharing

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONEOFF_LABEL = "com.docker.compose.oneoff"
HASH_LABEL = "com.docker.compose.config-hash"
NEEDS_LABEL = "com.docker.compose.depends_on"
DEFINITION_LABEL = "schedgen.definition"
JOBS_LABEL = "schedgen.jobs"
"""The jobs among a service's needs and itself, as Compose writes needs: it does not, for `up --no-deps`."""
RELEASE_LABEL = "schedgen.release"
ENDED = "service_completed_successfully"
INGRESS = "schedgen-ingress"
"""The service that has the published ports, beside those of the owner."""
STANDBY = "-schedgen-standby"
"""What the name of a container ends with that was replaced and stands by: nobody else looks for it."""
VOLUMES = "volumes"
# Where a release has files for itself, see `release.paths`.
_OWN = re.compile(r"/\.schedgen/releases/([^/]+)/tree(?:/(.+))?\Z")
# What Docker gives a container that says nothing of it.
GRACE = 10.0
# For an engine that does not answer, wherever that is found.
ENGINE_HINT = (
    "`inv run -- journalctl -u docker -n 50` tells why; "
    "`inv run -- sudo -n systemctl restart docker` starts it anew."
)

# Only these fields travel: the environment of a container holds secrets.
_CONTAINER = (
    '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Image}},"labels":{{json .Config.Labels}},'
    '"status":{{json .State.Status}},"health":{{with .State.Health}}{{json .Status}}{{else}}""{{end}},'
    '"started":{{json .State.StartedAt}},"restarts":{{.RestartCount}},"exit_code":{{.State.ExitCode}},'
    '"oom":{{.State.OOMKilled}},"image_name":{{json .Config.Image}},"grace":{{json .Config.StopTimeout}},'
    '"modes":{"network":{{json .HostConfig.NetworkMode}},"IPC":{{json .HostConfig.IpcMode}},'
    '"processes":{{json .HostConfig.PidMode}}},"volumes_from":{{json .HostConfig.VolumesFrom}},'
    '"published":{{len .HostConfig.PortBindings}},"mounts":{{json .Mounts}}}'
)

IMAGE = "[{{json .Id}},{{json .RepoTags}},{{json .Config.Volumes}},{{json .RepoDigests}}]"
"""What an image says of itself, as `parse_images` reads it."""


@dataclass(frozen=True, slots=True)
class Docker:
    """Builds docker commands. `sudo` runs each through `sudo -n`."""

    sudo: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The program's own words, before any subcommand."""
        return ("sudo", "-n", "docker") if self.sudo else ("docker",)

    def __call__(self, *argv: str) -> Command:
        """`docker ARGV...`."""
        return sh(*self.words, *argv)

    def version(self) -> Command:
        """The engine's version; fails where it does not answer."""
        return self("version", "--format", "{{.Server.Version}}")

    def platform(self) -> Command:
        """What the engine runs images for, as linux/amd64; fails where it does not answer."""
        return self("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")

    def builder(self) -> Command:
        """What buildx builds with, and for which platforms; fails where buildx is absent."""
        return self("buildx", "inspect")

    def has_buildx(self) -> Command:
        """Fails where the buildx plugin is absent: the classic builder must be asked for then."""
        return self("buildx", "version")

    def containers(self, project: str) -> Command:
        """Every container of a compose project, running or not: one JSON object a line."""
        return sharing(self.listing(project), "inspect_listed", _CONTAINER, title="docker inspect")

    def listing(self, project: str) -> str:
        """The text that lists the containers of a compose project, see lib/listed.bash; others share it."""
        return f"{library('listed')}{sh('list_containers', project, *self.words).text}"

    def one_off(self, project: str, release_id: str) -> Command:
        """The ids of containers that `compose run` made for a release, running or not."""
        labels = (f"{PROJECT_LABEL}={project}", f"{ONEOFF_LABEL}=True", f"{RELEASE_LABEL}={release_id}")
        filters = (word for label in labels for word in ("--filter", f"label={label}"))
        return self("ps", "--all", "--quiet", *filters)

    def tag(self, image: str, name: str) -> Command:
        """Gives `image` another name."""
        return self("tag", image, name)

    def image_ids(self, *names: str) -> Command:
        """The id of each image, one a line, in order; fails if one is missing."""
        return self("image", "inspect", "--format", "{{.Id}}", *names)

    def images_told(self, *names: str) -> Command:
        """Id, names and declared volumes of images, an array a line, in order; fails if one is missing."""
        return self("image", "inspect", "--format", IMAGE, *names)

    def images(self, pattern: str) -> Command:
        """Name and id of the images whose repository matches `pattern`, a line each."""
        return self("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", pattern)

    def untag(self, *names: str) -> Command:
        """Removes names of images, and an image with its last name; one in use keeps its layers."""
        return self("rmi", *names)

    def memory(self) -> Command:
        """What each container that runs takes of memory, as `docker stats` has it."""
        return self("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}")

    def logs(self, container: str, lines: int) -> Command:
        """The last `lines` lines a container wrote, on stdout and stderr."""
        return self("logs", "--tail", str(lines), container).with_stderr()

    def log_driver(self, container: str) -> Command:
        """The name of a container's logging driver: not every one can be read."""
        return self("inspect", "--format", "{{.HostConfig.LogConfig.Type}}", container)

    def remove(self, *containers: str) -> Command:
        """Removes containers, running or not."""
        return self("rm", "--force", *containers)


@dataclass(frozen=True, slots=True)
class Bind:
    """A path of the host in a container."""

    source: str
    target: str
    writable: bool = False

    @property
    def own(self) -> tuple[str, str]:
        """The release whose own file or folder it is, and its path in the repository; "" for none."""
        found = _OWN.search(self.source)
        return (found[1], found[2] or ".") if found else ("", "")


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a compose project.

    Attributes:
        image: the id of its image; `image_name` is the name it was started from.
        health: "" where it has no health check, else starting, healthy or unhealthy.
        started: RFC 3339, as Docker gives it.
        definition: what it was created from, by our label; "" if we did not start it.
        written: what it was created from, by Compose's label.
        grace: seconds that it has to end by itself when it is stopped.
        job: whether it is to end, and not to be there: it, or what waits for it, says so.
        jobs: the jobs that it names, itself among them or what it waits for.
        uses: the ids of containers whose network or the like it uses, and what that is.
        published: how many ports of it the host has.
        binds: the paths of the host that it sees.
    """

    id: str
    name: str
    service: str
    image: str
    image_name: str
    status: str
    health: str
    started: str
    restarts: int
    exit_code: int
    oom_killed: bool
    definition: str
    written: str
    release: str
    grace: float = GRACE
    job: bool = False
    jobs: frozenset[str] = frozenset()
    uses: tuple[tuple[str, str], ...] = ()
    published: int = 0
    binds: tuple[Bind, ...] = ()

    @property
    def own(self) -> frozenset[str]:
        """Where in it are files that a release has for itself."""
        return frozenset(bind.target for bind in self.binds if bind.own[0])

    @property
    def good(self) -> bool:
        """Runs, and is healthy as far as it can tell; or is a job that has ended well."""
        runs = self.status == "running" and self.health in ("", "healthy")
        return runs or (self.job and self.ended_well)

    @property
    def ended_well(self) -> bool:
        """Has ended with exit code 0."""
        return self.status == "exited" and self.exit_code == 0

    @property
    def state(self) -> str:
        """For a reader: running, healthy, exited (1), ..."""
        if self.status in ("exited", "dead"):
            return f"{self.status} ({self.exit_code}{', out of memory' if self.oom_killed else ''})"
        return self.health or self.status


class NamesJobs(Protocol):
    """What is seen of a container, as far as it tells of jobs."""

    @property
    def service(self) -> str:
        """The service that it belongs to."""
        ...

    @property
    def release(self) -> str:
        """Our release that it is of; "" for none."""
        ...

    @property
    def jobs(self) -> frozenset[str]:
        """The jobs that it names, itself among them or what it waits for."""
        ...


def jobs_named(seen: Iterable[NamesJobs]) -> frozenset[str]:
    """Return the jobs that any of these containers names."""
    return frozenset[str]().union(*(each.jobs for each in seen))


def is_job(one: NamesJobs, named: frozenset[str]) -> bool:
    """Return whether a container is a job.

    Args:
        named: the jobs that all of the project's containers name.
    """
    # Ours tell it of themselves: what others say may be of an earlier release.
    return one.service in (one.jobs if one.release else named)


def jobs_in(needs: str) -> frozenset[str]:
    """Return the jobs in what a label says of needs: SERVICE:CONDITION,SERVICE:CONDITION,..."""
    parts = (part.split(":") for part in needs.split(","))
    return frozenset(part[0] for part in parts if ENDED in part[1:])


def _binds(mounts: Iterable[Mapping[str, Any]]) -> Iterator[Bind]:
    for mount in mounts:
        if mount.get("Type") == "bind":
            yield Bind(mount.get("Source") or "", mount.get("Destination") or "", bool(mount.get("RW")))


def _uses(modes: Mapping[str, str], volumes_from: Iterable[str]) -> Iterator[tuple[str, str]]:
    for what, mode in modes.items():
        kind, _, container = mode.partition(":")
        if kind == "container":
            yield container, what
    for entry in volumes_from:
        yield entry.partition(":")[0], VOLUMES


@dataclass(frozen=True, slots=True)
class Image:
    """An image on a host.

    Attributes:
        volumes: where it declares some, in a container.
        digests: its digest in each repository that it was pulled from, REPOSITORY@DIGEST.
    """

    id: str
    names: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()

    def digest_of(self, name: str) -> str:
        """Return its digest in the repository of that name; "" where it was not pulled from there."""
        repository = repository_of(name)
        wanted = {repository, repository.removeprefix(f"{HUB}/").removeprefix("library/")}
        return next((each for each in self.digests if name and each.partition("@")[0] in wanted), "")


def parse_images(stdout: str) -> tuple[Image, ...]:
    """Reads lines in the form of `IMAGE`."""
    found = (json.loads(line) for line in stdout.split("\n") if line.strip())
    return tuple(
        Image(id_, *(tuple(each or ()) for each in (names, sorted(volumes or ()), *digests)))
        for id_, names, volumes, *digests in found
    )


def grace(containers: Iterable[Container]) -> float:
    """Seconds that stopping these containers may take: Docker stops all of them at once."""
    return max([GRACE, *(container.grace for container in containers)])


def parse_containers(stdout: str) -> tuple[Container, ...]:
    """Reads the answer of `containers`, without the one-off ones of `compose run`, and what stands by."""
    found = []
    for line in filter(None, stdout.split("\n")):
        item = json.loads(line)
        labels = item["labels"] or {}
        if labels.get(ONEOFF_LABEL, "False") == "True" or item["name"].endswith(STANDBY):
            continue
        found.append(
            Container(
                id=item["id"],
                name=item["name"].removeprefix("/"),
                service=labels.get(SERVICE_LABEL, ""),
                image=item["image"],
                image_name=item["image_name"],
                status=item["status"],
                health=item["health"],
                started=item["started"],
                restarts=item["restarts"],
                exit_code=item["exit_code"],
                oom_killed=item["oom"],
                definition=labels.get(DEFINITION_LABEL, ""),
                written=labels.get(HASH_LABEL, ""),
                release=labels.get(RELEASE_LABEL, ""),
                grace=GRACE if item.get("grace") is None else float(item["grace"]),
                jobs=jobs_in(f"{labels.get(JOBS_LABEL, '')},{labels.get(NEEDS_LABEL, '')}"),
                uses=tuple(_uses(item.get("modes") or {}, item.get("volumes_from") or ())),
                published=item.get("published", 0),
                binds=tuple(_binds(item.get("mounts") or ())),
            )
        )
    named = jobs_named(found)
    told = (replace(each, job=is_job(each, named)) for each in found)
    return tuple(sorted(told, key=lambda container: (container.service, container.name)))
