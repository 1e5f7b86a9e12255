"""Which causes are looked for, in which order, and what each needs to be asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops import strangers
from schedgen_ops.backup.restore import half
from schedgen_ops.commands import environment, facts, files, git, maintenance
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.databases import engine_of
from schedgen_ops.doctor import database, endpoints, machine, networks, releases, services
from schedgen_ops.doctor import remote_commands as ask
from schedgen_ops.doctor.cause import Cause
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command, sh
from schedgen_ops.verify import logs, remote_commands

ISSUES = range(1, 7)
# What keeps everything else from being looked at: it is told alone.
_ENGINE = ("Docker daemon",)

# Roots before what follows from them.
CAUSES: tuple[Cause, ...] = (
    Cause("Docker daemon", (1, 2, 3, 4, 5, 6), ("engine",), machine.engine),
    Cause("half-exchanged data", (1, 4, 5), ("swapping",), database.half_exchanged),
    Cause("Docker Compose", (2, 3, 4, 6), ("compose",), machine.compose, _ENGINE),
    Cause("disk space", (1, 2, 4, 5, 6), ("rooms",), machine.disk),
    Cause("inodes", (1, 2, 4, 5, 6), ("rooms",), machine.inodes),
    Cause("permissions", (1,), ("backups", "state"), machine.permissions),
    Cause("credentials", (1, 4, 5, 6), ("credentials",), machine.credentials, _ENGINE),
    Cause("configuration", (2, 3, 4, 5, 6), ("config",), machine.configuration, (*_ENGINE, "credentials")),
    Cause("another project", (1, 4, 6), ("owners",), machine.owners, _ENGINE),
    Cause("host resources", (2, 4, 5, 6), ("load",), machine.load),
    Cause("network", (2,), ("source",), networks.source),
    Cause("registry", (2,), (), networks.reach),
    Cause("image", (3, 4, 6), ("containers", "images", "releases"), releases.images, _ENGINE),
    Cause("service", (1, 3, 4, 5, 6), ("containers", "details"), services.services, _ENGINE),
    Cause("memory", (4, 5, 6), ("containers", "details", "stats"), services.memory, _ENGINE),
    Cause("database", (1, 3, 4, 5), ("database",), database.accepting, _ENGINE),
    Cause("database locked", (3, 5), ("database",), database.locked, (*_ENGINE, "database")),
    Cause("migrations", (3,), ("migrations",), database.migrations, (*_ENGINE, "database")),
    Cause("failed deploy", (2, 3), ("releases",), releases.failed),
    Cause("maintenance", (4, 5, 6), ("maintenance",), endpoints.closed),
    Cause("endpoint", (4, 5, 6), (), endpoints.failing, _ENGINE),
    Cause("new errors", (5,), ("logs", "changes", "releases"), releases.errors, _ENGINE),
)


def causes(issue: int = 0) -> tuple[Cause, ...]:
    """Return the causes that the runbook lists under an issue; all of them for 0."""
    return tuple(cause for cause in CAUSES if not issue or issue in cause.issues)


def after_failure() -> tuple[Cause, ...]:
    """Return the causes that are looked for after a run that failed.

    What the services log since tells of them in the middle of it, and of being put back: not of what failed.
    """
    return tuple(cause for cause in CAUSES if cause.name != "new errors")


def probes(settings: Settings, host: HostSettings, wanted: Sequence[Cause]) -> Mapping[str, Command]:
    """Return what a host is asked for these causes, by name."""
    read = {probe for cause in wanted for probe in cause.probes}
    asked = {name: command for name, command in _all(settings, host).items() if name in read}
    named = {cause.name for cause in wanted}
    if "registry" in named:
        asked |= networks.probes(settings)
    if "endpoint" in named:
        asked |= endpoints.probes(settings, host)
    return asked


def _all(settings: Settings, host: HostSettings) -> dict[str, Command]:
    docker, paths, where = Docker(settings.sudo), Paths(settings.directory), settings.directory
    compose = compose_of(settings)
    backups = settings.backup.directory
    source = git.advertised(settings.remote, Ref(settings.branch)).in_dir(where)
    inside = backups if backups.startswith("/") else f"{where}/{backups}"
    asked = {
        "engine": facts.engine(docker),
        "swapping": half.ask(settings),
        "compose": facts.compose(docker),
        "rooms": ask.rooms(docker, where, inside, "/tmp"),
        "backups": machine.writable(inside),
        "state": machine.writable(paths.state),
        "config": compose.by_owner("config", "--quiet").kept_private(),
        "owners": strangers.command(settings),
        "load": files.load(),
        "source": source if settings.from_git else sh("true"),
        "containers": docker.containers(settings.project),
        "details": ask.services(docker, settings.project),
        "stats": docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemPerc}} {{.MemUsage}}"),
        "images": docker("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
        "releases": store.read_command(paths),
        "logs": logs.since_deploy(docker, paths, settings.project, settings.verify.logs.window),
        "changes": ask.changes().in_dir(where) if settings.from_git else sh("true"),
        "maintenance": maintenance.look(paths.ingress),
    }
    if settings.credentials:
        asked["credentials"] = environment.variables(
            Compose(docker, settings.project, where), settings.env_file, settings.credentials
        ).in_dir(where)
    return asked | _data(settings, host, docker)


def _data(settings: Settings, host: HostSettings, docker: Docker) -> dict[str, Command]:
    asked: dict[str, Command] = {}
    if settings.database and host.runs(settings.database.service):
        applied = database.applied_sql(settings)
        kind = engine_of(settings.database.engine)
        statements = (kind.connections(), kind.locks(), *applied)
        asked["database"] = remote_commands.queries(docker, settings.project, settings.database, *statements)
    if settings.migrations and host in settings.migrating_hosts():
        wanted = settings.migrations
        asked["migrations"] = remote_commands.inside(docker, settings.project, wanted.service, *wanted.show)
    return asked
