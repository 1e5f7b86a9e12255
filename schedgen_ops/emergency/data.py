"""The start of the services that hold data. What one cannot start with is put aside, on proof alone."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog.manifest import BackupState, File, Kind, Manifest, backup_id
from schedgen_ops.backup.catalog.remote_commands import update
from schedgen_ops.backup.performing import perform
from schedgen_ops.clock import stamp
from schedgen_ops.commands import docker
from schedgen_ops.databases import engine_of
from schedgen_ops.emergency import proof, remote_commands
from schedgen_ops.emergency.base import Base
from schedgen_ops.errors import OpsError, Unreachable
from schedgen_ops.log_excerpt import telling

# How often a container that is started over and over is looked at.
_LOOKS = 30


@dataclass(slots=True)
class Data(Base):
    """The services that hold data on a host in an emergency."""

    @property
    def data(self) -> tuple[str, ...]:
        """The names of the services on this host that hold data."""
        host = self.settings.host(self.remote.name)
        parts = (self.settings.database, self.settings.objects)
        return tuple(part.service for part in parts if part and host.runs(part.service))

    @property
    def _damage(self) -> tuple[str, ...]:
        database, objects = self.settings.database, self.settings.objects
        of_database = engine_of(database.engine).damage if database else ()
        return of_database + (objects.damage if objects else ())

    def up_data(self) -> None:
        """Start the services that hold data, and put aside files that one has shown it cannot start with.

        Raises:
            OpsError: where one does not start, and nothing proves that; or not with empty volumes either.
        """
        for service in self.data:
            try:
                self.start(service)
            except OpsError as error:
                self.warn(f"{service} does not start with its files: {self._proof(service, error)}")
                self._set_aside(service)
                self.start(service)

    def _proof(self, service: str, error: OpsError) -> str:
        """The line by which a service has shown that it cannot start with its files.

        Raises:
            OpsError: where it has not: then its files are left as they are.
        """
        if isinstance(error, Unreachable):
            raise OpsError(
                f"whether {service} starts is not known: {error.message}",
                host=error.host or self.remote.name,
                hint="Everything was taken down, and no file was touched. Run it again.",
            ) from error
        box, log = self._last_words(service)
        if box and (line := proof.evidence(box, log, self._damage)):
            return line
        raise OpsError(
            f"{service} was not seen to start, and nothing shows that its files are why: "
            + proof.story(service, box, log),
            host=error.host or self.remote.name,
            detail="\n".join(filter(None, (error.message, error.detail, *telling(log)))),
            hint=f"No file was touched. Mend what keeps {service} from starting, and run it again.",
        ) from error

    def _last_words(self, service: str) -> tuple[docker.Container | None, tuple[str, ...]]:
        """A service's container, and the end of its log."""
        box = self.box(service)
        for _ in range(_LOOKS):
            if box is None or box.status != "running" or not box.restarts:
                break
            # Docker starts it over and over: how it ends is seen in between.
            self.run(remote_commands.next_second(), 60)
            box = self.box(service)
        if box is None:
            return None, ()
        # No log, no proof: a driver that keeps none says so on stderr.
        return box, self.remote.run(self.docker.logs(box.id, 200), deadline=60, check=False).lines()

    def _set_aside(self, service: str) -> None:
        box = self.box(service)
        if box is None:
            raise OpsError(f"{service} has no container", host=self.remote.name)
        self._archive(service, box.id, box.image)

    def _archive(self, service: str, container: str, image: str) -> None:
        """Archive the volumes of a container that does not run, and empty them."""
        now = host_time.now(self.remote)
        name = backup_id(Kind.SAFETY, now)
        folder = f"{self.settings.backup.directory}/{name}"
        command = remote_commands.set_aside(self.docker, folder, container, image)
        answer = perform(self.context, command, self.settings.backup.deadline)
        rows = [line.split() for line in answer.lines() if line.startswith("file ")]
        record = Manifest(
            id=name,
            release=self.release_id,
            commit="",
            state=BackupState.FAILED,
            created=stamp(now),
            finished=stamp(host_time.now(self.remote)),
            files=tuple(File(row[1], int(row[2]), row[3]) for row in rows),
            error=f"no backup: the files of {service}, which did not start with them",
        )
        self.run(update(folder, record).in_dir(self.settings.directory), 60)
        self.say(f"The files of {service} are set aside in {folder}")
        self.run(remote_commands.next_second(), 60)
