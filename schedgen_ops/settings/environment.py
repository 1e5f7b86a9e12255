"""What one environment consists of, field by field, and what follows from that."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr
from pydantic.json_schema import SkipJsonSchema

from schedgen_ops.settings import backups, sections, sources, telemetry, verification
from schedgen_ops.settings import guard as guards
from schedgen_ops.settings import hooks as called
from schedgen_ops.settings import notify as people
from schedgen_ops.settings import policy as policies
from schedgen_ops.settings import secrets as secret
from schedgen_ops.settings import swarm as swarms
from schedgen_ops.settings import types as t
from schedgen_ops.settings.balancer import Balancer
from schedgen_ops.settings.base import DEFAULTS, Section
from schedgen_ops.settings.ingress import Ingress
from schedgen_ops.settings.rollout import Rollout
from schedgen_ops.settings.violations import Violation, refuse


def _hosts_apart(hosts: tuple[sections.HostSettings, ...]) -> tuple[sections.HostSettings, ...]:
    names = tuple(host.name for host in hosts)
    refuse([((i, "name"), f"a second host is called {names[i]!r}") for i in t.repeated(names)])
    return hosts


def _tiers_apart(tiers: tuple[sections.Tier, ...]) -> tuple[sections.Tier, ...]:
    names = tuple(tier.name for tier in tiers)
    broken: list[Violation] = [
        ((i, "name"), f"a second tier is called {names[i]!r}") for i in t.repeated(names)
    ]
    places = [(n, i, service) for n, tier in enumerate(tiers) for i, service in enumerate(tier.services)]
    services = tuple(service for _, _, service in places)
    for position in t.repeated(services):
        number, index, service = places[position]
        first = names[places[services.index(service)][0]]
        broken.append(((number, "services", index), f"{service!r} is in the tier {first!r} already"))
    refuse(broken)
    return tiers


def _checks_apart(checks: tuple[sections.Check, ...]) -> tuple[sections.Check, ...]:
    names = tuple(check.name for check in checks)
    refuse([((i, "name"), f"a second check is called {names[i]!r}") for i in t.repeated(names)])
    return checks


class Environment(Section):
    """One environment: where it runs, what it consists of, and the limits it is held to."""

    model_config = ConfigDict(
        title="An environment of schedgen_ops",
        json_schema_extra={"oneOf": [{"required": ["hosts"]}, {"required": ["hosts_file"]}]},
    )

    # Hosts whose ports are to answer nobody just now: nothing that a file says.
    _closed: frozenset[str] = PrivateAttr(frozenset())

    environment: SkipJsonSchema[t.EnvironmentName] = Field(
        default="production", description="The config file's name."
    )
    project: t.ProjectName = Field(description="Compose project name, the prefix of its containers.")
    directory: t.AbsolutePath = Field(
        description="The project's folder, the same on all hosts: a git work tree, or any for images."
    )
    orchestrator: Literal["compose", "swarm"] = Field(
        default="compose",
        description="What runs the services: Compose on each host, or a Swarm whose first host is a manager.",
    )
    swarm: swarms.Swarm = Field(default=DEFAULTS, description="The Swarm of `orchestrator: swarm`.")
    hosts_down: Literal["stop", "skip"] = Field(
        default="stop",
        description="What a deploy or a rollback does where a host does not answer: stop, or skip it.",
    )
    compose_files: t.Many[t.RemotePath] = Field(
        default=(), description="Compose files; an empty list leaves the choice to docker compose."
    )
    profiles: t.Many[t.ServiceName] = Field(
        default=(),
        description="Compose profiles that are enabled; an empty list leaves that to COMPOSE_PROFILES.",
    )
    env_file: t.RemotePath = Field(
        default=".env", description="File with the credentials, in the project directory."
    )
    secrets: secret.Commands = Field(
        default=DEFAULTS,
        description="The command here that prints each secret of env_file, which is rendered and delivered.",
    )
    variables: secret.Variables = Field(
        default=DEFAULTS, description="What env_file has beside `secrets`: plain text, ${NAME} is a secret."
    )
    secret_commands: secret.SecretCommands = Field(
        default=DEFAULTS, description="How the commands of `secrets` are run."
    )
    branch: t.RefName = Field(
        default="main",
        description="Branch, tag or commit to deploy without --branch; GIT_BRANCH overrides it.",
    )
    remote: t.RemoteName = Field(default="origin", description="Git remote that releases are fetched from.")
    sudo: bool = Field(default=False, description="Run docker through `sudo -n`.")
    hosts_file: t.LocalPath | None = Field(
        default=None,
        description="YAML file with the list of hosts, instead of `hosts`; relative to this file.",
    )
    hosts: Annotated[t.Rows[sections.HostSettings], AfterValidator(_hosts_apart)] = Field(
        default=(), description="The hosts of the environment."
    )
    ssh: sections.SshSettings = Field(default=DEFAULTS, description="How hosts are reached.")
    tiers: Annotated[t.Rows[sections.Tier], AfterValidator(_tiers_apart)] = Field(
        default=(),
        description="Groups of services, updated in this order; without any, all that hold no state are one.",
    )
    database: sections.Database | None = Field(
        default=None, description="The database; null if there is none."
    )
    objects: sections.Objects | None = Field(
        default=None, description="The object store; null if there is none."
    )
    credentials: t.Many[t.VariableName] = Field(
        default=(), description="Variables that must be set in env_file before a deploy."
    )
    migrations: sections.Migrations | None = Field(
        default=None, description="Schema migrations; null if there are none."
    )
    backup: backups.Backup = Field(default=DEFAULTS, description="How backups are made.")
    release: sources.Source = Field(default=DEFAULTS, description="Where a release comes from.")
    build: sections.Build = Field(default=DEFAULTS, description="How images are built.")
    health: sections.Health = Field(default=DEFAULTS, description="When a service counts as healthy.")
    checks: Annotated[t.Rows[sections.Check], AfterValidator(_checks_apart)] = Field(
        default=(), description="HTTP requests of the verification."
    )
    limits: sections.Limits = Field(default=DEFAULTS, description="Thresholds.")
    verify: verification.Verification = Field(
        default=DEFAULTS, description="What a verification looks at beside `checks`."
    )
    probe: sections.Probe = Field(
        default=DEFAULTS, description="The requests that show what visitors notice of a deploy or a rollback."
    )
    watch: sections.Watch = Field(default=DEFAULTS, description="Extended verification.")
    guard: guards.Guard = Field(default=DEFAULTS, description="When a release goes back by itself.")
    dashboards: t.Rows[sections.Dashboard] = Field(
        default=(), description="Pages that `inv monitor.open` leads to."
    )
    grafana: telemetry.Grafana | None = Field(
        default=None, description="The Grafana that gets annotations of runs; null for none."
    )
    policy: policies.Policy = Field(default=DEFAULTS, description="What a deploy has to keep to.")
    releases: sections.Releases = Field(default=DEFAULTS, description="What is kept for a rollback.")
    rollout: Rollout = Field(default=DEFAULTS, description="How an update spreads over the hosts.")
    ingress: Ingress = Field(
        default=DEFAULTS, description="The load balancer that takes published ports over."
    )
    balancer: Balancer | None = Field(
        default=None, description="The load balancer in front of several hosts; null for none of ours."
    )
    lock: sections.Lock = Field(default=DEFAULTS, description="One deploy at a time.")
    notify: people.Notify = Field(default=DEFAULTS, description="Who is told of a run.")
    hooks: called.Hooks = Field(default=DEFAULTS, description="Programs here that a run calls.")
    escalation: t.Rows[people.Contact] = Field(
        default=(), description="People to call, in this order, when a run failed and needs one."
    )

    @property
    def on_swarm(self) -> bool:
        """Whether a Swarm runs the services."""
        return self.orchestrator == "swarm"

    @property
    def from_git(self) -> bool:
        """Whether a release is a commit, built on its hosts; else its images were built before."""
        return self.release.source == "git"

    @property
    def registries(self) -> Mapping[str, sources.Registry]:
        """Who signs in to registries, by the part of the config that says so; `release.registry` first."""
        found = {"release.registry": self.release.registry} if self.release.registry else {}
        if (more := self.swarm.sign_in) and (server := self.swarm.server):
            found["swarm.sign_in"] = sources.Registry.model_construct(
                server=server, user=more.user, password=more.password
            )
        return found

    @property
    def built_here(self) -> bool:
        """Whether this machine builds the images of all hosts."""
        return self.from_git and self.build.where == "laptop"

    @property
    def carried(self) -> bool:
        """Whether images may be on their way to a host."""
        return self.from_git and (self.build.once or self.built_here)

    @property
    def delivered(self) -> frozenset[str]:
        """The variables of env_file that come from here; none where the file is the host's own."""
        return frozenset((*self.secrets, *self.variables))

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that is named: the database's, the tiers' in their order, then the rest."""
        parts = (self.objects, self.migrations)
        named = [self.database.service] if self.database else []
        named += [service for tier in self.tiers for service in tier.services]
        named += [part.service for part in parts if part]
        return tuple(dict.fromkeys(named))

    @property
    def stores(self) -> tuple[str, ...]:
        """The services that hold data: the database's, and the objects'."""
        return tuple(part.service for part in (self.database, self.objects) if part)

    def host(self, name: str) -> sections.HostSettings:
        """The host called `name`.

        Raises:
            KeyError: if there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def services_on(self, host: sections.HostSettings) -> tuple[str, ...]:
        """The named services that run on `host`, in the order of `services`."""
        return tuple(service for service in self.services if host.runs(service))

    def kept_on(self, host: sections.HostSettings) -> tuple[str, ...]:
        """The named services that have to be there on `host`: those that only migrate need no container."""
        kept = {*self.stores, *(service for tier in self.tiers for service in tier.services)}
        ending = {*self.rollout.jobs, *(name for name in self.services if self.tiers and name not in kept)}
        return tuple(name for name in self.services_on(host) if name not in ending)

    def has(self, host: sections.HostSettings, service: str) -> bool:
        """Tell whether `service` belongs on `host`; without tiers only the compose file names them all."""
        return host.runs(service) and (not self.tiers or service in self.services)

    def checks_on(self, host: sections.HostSettings) -> tuple[sections.Check, ...]:
        """The checks that concern `host`; none where its ports are to answer nobody."""
        if host.name in self._closed:
            return ()
        return tuple(check for check in self.checks if check.service is None or host.runs(check.service))

    def closed(self, names: Iterable[str]) -> Self:
        """Return the settings of a moment in which the ports of these hosts are to answer nobody."""
        copy = self.model_copy()
        copy._closed = frozenset(names)
        return copy

    def hosts_running(self, service: str) -> tuple[sections.HostSettings, ...]:
        """The hosts on which `service` runs."""
        return tuple(host for host in self.hosts if host.runs(service))

    def balanced_hosts(self) -> tuple[sections.HostSettings, ...]:
        """The hosts behind the load balancer; none without one."""
        if self.balancer is None:
            return ()
        return self.hosts_running(self.balancer.service) if self.balancer.service else self.hosts

    def migrating_hosts(self) -> tuple[sections.HostSettings, ...]:
        """The hosts that say `migrates: true`; if none does, those that run the database.

        Without a database of our own it is the first host that runs the migrations' service.
        """
        if self.migrations is None:
            return ()
        if chosen := tuple(host for host in self.hosts if host.migrates):
            return chosen
        if self.database:
            holders = self.hosts_running(self.database.service)
        else:
            holders = self.hosts_running(self.migrations.service)[:1]
        return tuple(host for host in holders if host.migrates is None)

    def backup_hosts(self) -> tuple[sections.HostSettings, ...]:
        """The hosts that take backups: those with the database or the objects, unless they say otherwise."""
        return tuple(
            host
            for host in self.hosts
            if (any(map(host.runs, self.stores)) if host.backs_up is None else host.backs_up)
        )
