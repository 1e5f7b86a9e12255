"""One host's share of an emergency: everything down, its data services up, all of it up, and verified."""

from __future__ import annotations

from dataclasses import dataclass, field

from schedgen_ops import events
from schedgen_ops.backup import run as backups
from schedgen_ops.backup.command import source_of
from schedgen_ops.backup.commands import update
from schedgen_ops.backup.manifest import File, Kind, Manifest, State, backup_id
from schedgen_ops.backup.places import perform, running
from schedgen_ops.clock import Clock, stamp
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.compose import Compose
from schedgen_ops.emergency import commands
from schedgen_ops.errors import CommandFailed, OpsError, Refused, VerificationFailed
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.rollout.plan import INGRESS
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.verify import plan as verification
from schedgen_ops.verify import run as verifier

_MARGIN = 120.0


@dataclass(slots=True)
class Site:
    """A host in an emergency.

    Attributes:
        stopped: the containers that were stopped by us, to be started again.
    """

    remote: Remote
    settings: Settings
    clock: Clock
    emit: events.Emit
    stopped: list[str] = field(default_factory=list)
    _release: str | None = None
    _users: tuple[str, ...] = ()

    @property
    def docker(self) -> engine.Docker:
        """The builder of docker commands."""
        return engine.Docker(self.settings.sudo)

    @property
    def release(self) -> str:
        """The release that is to serve; "" where nothing was deployed by us."""
        if self._release is None:
            paths = Paths(self.settings.directory)
            serving = store.certain(store.read(self.remote, paths), paths, self.remote.name).serving
            self._release = serving.id if serving else ""
        return self._release

    @property
    def data(self) -> tuple[str, ...]:
        """The services on this host that hold data."""
        host = self.settings.host(self.remote.name)
        parts = (self.settings.database, self.settings.objects)
        return tuple(part.service for part in parts if part and host.runs(part.service))

    def look(self) -> None:
        """Docker answers, and what is to serve is known. Changes nothing.

        Raises:
            Refused: where it does not.
        """
        answer = self.remote.run(self.docker.version(), deadline=60, check=False)
        if not answer.ok:
            raise Refused(
                "Docker does not answer, and nothing can be recovered without it",
                host=self.remote.name,
                detail=answer.stderr.strip(),
                hint="Look at `systemctl status docker`; `systemctl start docker`.",
            )
        self._say(
            f"Release {self.release} is to serve" if self.release else "No release: the compose file as it is"
        )

    def down(self) -> None:
        """Every container of the project removed; volumes stay."""
        self._run(self._compose("down", "--remove-orphans"), 600)
        self._say("Everything is down; the volumes are there")

    def up_data(self) -> None:
        """The services that hold data, started; one that does not start gets its files set aside.

        Raises:
            OpsError: where one does not start with empty volumes either.
        """
        for service in self.data:
            try:
                self._up(service)
            except OpsError as error:
                events.warn(
                    self.emit, f"{service} does not start with its files: {error.message}", self.remote.name
                )
                self._set_aside(service)
                self._up(service)

    def up(self) -> None:
        """Everything that belongs on this host, started and healthy."""
        there = set(self._run(self._compose("config", "--services"), 60).split())
        ours = self.settings.services_on(self.settings.host(self.remote.name))
        names = [name for name in (*ours, INGRESS) if name in there]
        self._up(*names)
        self._say(f"Started: {', '.join(names)}")

    def safety(self, parts: frozenset[str]) -> None:
        """A backup of what is there, as far as it can be read; what cannot is told and stops nothing."""
        try:
            self._save(parts)
        except OpsError as error:
            self._warn(f"what is there could not be saved as a whole: {error.message}")
            for part in sorted(parts) if len(parts) > 1 else ():
                self._run(commands.next_second(), 60)
                try:
                    self._save(frozenset({part}))
                except OpsError as again:
                    self._warn(f"the {part} could not be saved: {again.message}")

    def _save(self, parts: frozenset[str]) -> None:
        source = source_of(self.remote, self.settings)
        made = backups.create(self.remote, self.settings, Kind.SAFETY, source, self.clock, self.emit, parts)
        self._say(f"What is there is saved: {made.id}")

    def stop_users(self) -> None:
        """The services that use the database, stopped."""
        names = self.settings.database.used_by if self.settings.database else ()
        boxes = running(self.remote, self.settings)
        found = [box for box in boxes if box.service in names and box.status == "running"]
        self.stopped = [box.id for box in found]
        self._users = tuple(sorted({box.service for box in found}))
        if self.stopped:
            self._run(self.docker("stop", *self.stopped), 300)
        self._say(f"Stopped: {', '.join(self._users) or 'nothing of it runs here'}")

    def start_users(self) -> None:
        """What `stop_users` stopped, started again and healthy."""
        if self.stopped:
            self._run(self.docker("start", *self.stopped), 300)
            self._up("--no-recreate", "--no-deps", *self._users)
            self._say(f"Started: {', '.join(self._users)}")

    def verify(self) -> None:
        """Every service and every configured URL.

        Raises:
            VerificationFailed: where something does not answer as it should.
        """
        findings = verifier.patiently(self.remote, self.settings)
        bad = verification.failed(findings)
        if bad:
            raise VerificationFailed(
                f"{len(bad)} of {len(findings)} checks did not pass",
                host=self.remote.name,
                detail="\n".join(f"{each.check}: {each.text}" for each in bad),
                hint="The data is restored. `docker compose logs SERVICE` on the host tells what is missing.",
            )
        self._say(f"All services are healthy ({len(findings)} checks passed)")

    def _set_aside(self, service: str) -> None:
        boxes = running(self.remote, self.settings)
        box = next((box for box in boxes if box.service == service), None)
        if box is None:
            raise OpsError(f"{service} has no container", host=self.remote.name)
        now = self.clock.now()
        name = backup_id(Kind.SAFETY, now)
        folder = f"{self.settings.backup.directory}/{name}"
        command = commands.set_aside(self.docker, folder, box.id, box.image)
        answer = perform(self.remote, self.settings, command, self.settings.backup.deadline)
        rows = [line.split() for line in answer.lines() if line.startswith("file ")]
        record = Manifest(
            id=name,
            release=self.release,
            commit="",
            state=State.FAILED,
            created=stamp(now),
            finished=stamp(self.clock.now()),
            files=tuple(File(row[1], int(row[2]), row[3]) for row in rows),
            error=f"no backup: the files of {service}, which did not start with them",
        )
        self._run(update(folder, record).in_dir(self.settings.directory), 60)
        self._say(f"The files of {service} are set aside in {folder}")
        self._run(commands.next_second(), 60)

    def _up(self, *services: str) -> None:
        wait = self.settings.health.deadline
        options = ("--detach", "--no-build", "--wait", "--wait-timeout", str(wait))
        never = ("--pull", "never") if self.release else ()
        self._run(self._compose("up", *options, *never, *services), wait + _MARGIN)

    def _compose(self, *argv: str) -> Command:
        s = self.settings
        compose = Compose(self.docker, s.project, s.directory, s.compose_files, s.env_file)
        if self.release:
            return compose.of(Paths(s.directory).release(self.release), *argv)
        return compose.by_owner(*argv)

    def _run(self, command: Command, deadline: float) -> str:
        try:
            return self.remote.run(command, deadline=deadline).stdout
        except CommandFailed as error:
            lines = [line for line in error.detail.splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else error.message
            raise OpsError(f"{command} failed: {reason}", host=error.host, detail=error.detail) from error

    def _warn(self, text: str) -> None:
        events.warn(self.emit, text, self.remote.name)

    def _say(self, text: str) -> None:
        events.info(self.emit, text, self.remote.name)
