"""The sections of a config file. The limits are the figures of the deployment runbook.

Every deadline, interval and duration is in seconds.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.profiled import Profiled
from schedgen_ops.settings.verification import Pattern, Scalar

_PATIENCE = 5.0


class HostSettings(Section):
    """A host of the environment, and its part in it."""

    name: t.HostName = Field(description="How reports and --hosts call it; unique.")
    address: t.Address = Field(description="Host name, IP address, or alias of ssh_config.")
    user: t.UserName | None = Field(default=None, description="Login; else ssh_config's, else your own.")
    port: t.Port | None = Field(default=None, description="Port of sshd; else ssh_config's, else 22.")
    services: t.Some[t.ServiceName] | None = Field(
        default=None, description="The services that run here; all of them without this key."
    )
    migrates: bool | None = Field(
        default=None, description="Migrations start here. By default on the host that runs the database."
    )
    backs_up: bool | None = Field(
        default=None, description="Backups are taken here. By default where the database or the objects are."
    )

    def runs(self, service: str) -> bool:
        """Whether `service` belongs on this host."""
        return self.services is None or service in self.services


class SshSettings(Section):
    """How hosts are reached."""

    config_file: t.LocalPath | None = Field(
        default=Path("~/.ssh/config"), description="OpenSSH client configuration; null reads none."
    )
    identity_file: t.LocalPath | None = Field(
        default=None, description="Private key; else ssh_config's and the agent's."
    )
    known_hosts: t.LocalPath = Field(
        default=Path("~/.ssh/known_hosts"), description="Host keys. A host whose key is not in it is refused."
    )
    connect_timeout: t.Seconds = Field(default=10, description="Seconds to wait for a connection.")
    keepalive: t.SecondsOrNone = Field(
        default=15, description="Seconds between keep-alive packets; 0 sends none."
    )
    agent: bool = Field(default=True, description="Offer the keys of the SSH agent.")
    control_master: bool = Field(
        default=True,
        description="Use a connection that OpenSSH holds (ControlPath); not with an own key or known_hosts.",
    )


class Tier(Section):
    """Services that are updated together, in this order."""

    name: t.TierName = Field(description="Title of the step: 'Rolling update - NAME services'.")
    services: t.Some[t.ServiceName] = Field(description="Compose services, updated one after the other.")


class Dashboard(Section):
    """A page of a host that `inv monitor.open` leads to."""

    name: t.CheckName = Field(description="How it is called.")
    port: t.Port = Field(description="Its port on the host's loopback.")
    path: Annotated[str, Field(pattern="^/[!-~]*$")] = Field(
        default="/", description="The page that is opened."
    )
    service: t.ServiceName | None = Field(
        default=None, description="Open it only on hosts that run this service; on all without this key."
    )


class Database(Section):
    """The database to back up and watch."""

    engine: Literal["postgres"] = Field(default="postgres", description="What kind of database it is.")
    service: t.ServiceName = Field(description="Compose service of the database server.")
    user: t.DatabaseName = Field(description="Database user for dumps and restores.")
    name: t.DatabaseName = Field(description="Name of the database.")
    used_by: t.Many[t.ServiceName] = Field(
        default=(), description="Services that are stopped while it is swapped."
    )


class Objects(Profiled):
    """The object store to back up."""

    place: ClassVar[str] = "objects"

    kind: Literal["volume"] = Field(default="volume", description="How the objects are kept.")
    service: t.ServiceName = Field(description="Compose service of the object store.")
    path: t.AbsolutePath = Field(description="Where its volume is mounted in the container.")
    used_by: t.Many[t.ServiceName] = Field(
        default=(), description="Services that are stopped while it is swapped."
    )
    damage: t.Many[Pattern] = Field(
        default=(), description="Regular expressions of log lines that prove that its files are damaged."
    )


class Migrations(Profiled):
    """How the database schema is moved."""

    place: ClassVar[str] = "migrations"

    service: t.ServiceName = Field(description="Compose service whose image runs the commands below.")
    path: t.RelativePath = Field(
        description="Folder of the migrations in git, or a pattern of git's for several."
    )
    run: t.Argv = Field(description="Applies what is pending.")
    show: t.Argv = Field(description="Lists what is applied and pending.")
    revert: t.Argv | None = Field(default=None, description="Reverts the last one; null if nothing does.")
    applied: Pattern = Field(
        description="Regular expression that finds in what `show` prints each one that is applied; ^ and $ "
        "are a line's, a group is its name."
    )
    pending: Pattern = Field(
        description="Regular expression that finds each one that is not applied, in the same way."
    )
    deadline: t.Seconds = Field(default=300, description="Seconds one of these commands may take.")
    table: t.DatabaseName | None = Field(
        default=None,
        description="Table that lists the applied ones, in columns id and name; null if there is none.",
    )


class Build(Section):
    """How images are built."""

    where: Literal["hosts", "laptop"] = Field(
        default="hosts",
        description="hosts: each builds its own. laptop: the Docker Engine here does, and they are carried.",
    )
    pull: Literal["missing", "always", "never"] = Field(
        default="missing",
        description="When images from elsewhere are pulled; `always`: those that builds begin with, too.",
    )
    once: bool = Field(
        default=False,
        description="On several hosts, build on the first one of a run, and carry the images to the others.",
    )
    deadline: t.Seconds = Field(default=1800, description="Seconds a build may take.")
    reach: t.Many[t.Url] = Field(
        default=(), description="What builds load from; `inv doctor` asks these addresses from the host."
    )


class Health(Section):
    """When a replaced service counts as healthy."""

    deadline: t.Seconds = Field(default=300, description="Seconds a service may take to become healthy.")
    settle: t.SecondsOrNone = Field(
        default=30, description="Seconds every replaced container must have stayed up at the end of a deploy."
    )


class Probe(Section):
    """The requests that show what visitors notice of a deploy or a rollback."""

    pause: Annotated[float, Field(ge=0.02, le=60, allow_inf_nan=False)] = Field(
        default=0.1, description="Seconds from an answer to the next request, for each of `checks`."
    )


class Check(Section):
    """One HTTP request of the verification. It passes in time, with a good status and what it has to hold."""

    name: t.CheckName = Field(description="How reports call it; unique.")
    url: t.Url = Field(description="Requested on the host itself.")
    host: t.HostHeader | None = Field(
        default=None, description="The host that is asked for, as a visitor names it; null: that of the URL."
    )
    within: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = Field(
        default=1.0, description="Seconds the answer may take."
    )
    service: t.ServiceName | None = Field(
        default=None, description="Ask only the hosts that run this service; all hosts without this key."
    )
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        default=None, description="The status it has to have; any from 200 to 399 without this key."
    )
    matches: Pattern | None = Field(default=None, description="Regular expression to be found in the body.")
    json_has: t.Pairs[Scalar] = Field(
        default={}, description="Values the body has to have as JSON: where they stand, as a.b.c, and what."
    )
    metrics: bool = Field(
        default=False, description="Whether the body has to be metrics in the format of Prometheus."
    )

    @property
    def port(self) -> int:
        """The port that it asks."""
        url = urlsplit(self.url)
        return url.port or (443 if url.scheme == "https" else 80)

    @property
    def asked(self) -> str:
        """What scripts on a host are given: the URL, and behind `#host=` whose visitor asks."""
        return f"{self.url.partition('#')[0]}#host={self.host}" if self.host else self.url

    @property
    def patience(self) -> str:
        """The seconds that scripts give it which do not judge by slowness, but by none or a wrong answer."""
        return f"{max(_PATIENCE, 2 * self.within):g}"

    @property
    def good(self) -> str:
        """The statuses that pass it, as scripts take them: first digits, a comma between."""
        return str(self.status or "2,3")


class Limits(Section):
    """Thresholds of pre-flight checks, verification and watching."""

    disk_free_gb: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] = Field(
        default=10, description="Free disk a deploy asks for, in GB."
    )
    cpu_percent: t.Percent = Field(default=80, description="CPU use above this is reported, in percent.")
    memory_percent: t.Percent = Field(
        default=80, description="Memory use above this is reported, in percent."
    )
    database_ms: Annotated[int, Field(ge=1, le=600_000)] = Field(
        default=100, description="Time a simple query may take, in milliseconds."
    )
    error_percent: t.Percent = Field(
        default=10, description="Failed requests above this roll back, in percent."
    )
    consecutive_failures: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3, description="Failed health checks in a row that roll back."
    )
    leak_hours: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = Field(
        default=24, description="Memory that grows so as to reach its limit within these hours is a leak."
    )


class Watch(Section):
    """Extended verification."""

    duration: t.Seconds = Field(
        default=600, description="Seconds to watch; MONITORING_DURATION overrides it."
    )
    interval: t.Seconds = Field(default=10, description="Seconds between two rounds of checks.")


class Releases(Section):
    """What is kept for a rollback."""

    keep: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Releases whose images stay on the host; a rollback is none of its own."
    )


class Lock(Section):
    """One deploy at a time."""

    lease: Annotated[int, Field(ge=5, le=86_400)] = Field(
        default=60, description="Seconds after which the lock of a silent holder ends."
    )
