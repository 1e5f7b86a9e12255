"""The restore of a backup: beside what serves, checked there, then swapped in; until then nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog import names as names_of
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.catalog.selection import broken
from schedgen_ops.backup.create import run
from schedgen_ops.backup.data_location import DataLocation, locate, running, used_by
from schedgen_ops.backup.performing import perform
from schedgen_ops.backup.restore import drill, drill_scripts, scripts, server, swap
from schedgen_ops.backup.restore.holding import Held
from schedgen_ops.commands import docker
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

DATABASE = frozenset({"database"})
DATA = DATABASE | {"objects"}
_MARGIN = 300.0


@dataclass(slots=True)
class Restore:
    """The restore of one host's backup: `check`, `prepare`, `swap`, and `back` and `drop` to undo those.

    Attributes:
        parts: database, objects; what the backup does not hold is left out.
        halted: whether the object store may be stopped, as after a swap that was cut off.
        stamp: what is kept is named after it; "" is now, by the host's clock.
        gap: seconds that the services were away, once that is known.
    """

    host: HostContext
    backup: Manifest
    parts: frozenset[str] = DATA
    stamp: str = ""
    gap: float = 0.0
    halted: bool = False
    _location: DataLocation | None = None
    _clients: tuple[str, ...] = ()
    _grace: float = 0.0
    _names: tuple[str, ...] = ()
    _fits: bool = False

    @property
    def folder(self) -> str:
        """The backup's folder, absolute or relative to the project's directory."""
        return f"{self.host.settings.backup.directory}/{self.backup.id}"

    @property
    def held(self) -> Held:
        """The objects, where a Swarm runs nothing of their store meanwhile."""
        return Held(self.host, self.parts)

    @property
    def location(self) -> DataLocation:
        """The containers that it is restored into, looked up on the host once.

        Raises:
            Refused: where what it goes to does not run.
        """
        if self._location is None:
            containers = running(self.host)
            self._location = self._find(containers)
            # What a Swarm runs it starts again: there a manager stops it.
            settings = self.host.settings
            names = () if settings.on_swarm else used_by(settings, self.parts)
            clients = [box for box in containers if box.service in names and box.status == "running"]
            self._clients = tuple(box.id for box in clients)
            # The object store is stopped after them.
            self._grace = 2 * docker.grace(box for box in containers if box.id in self._stops())
            self._names = tuple(sorted({box.service for box in clients}))
        return self._location

    @property
    def users(self) -> tuple[str, ...]:
        """The services that use the data and run."""
        return self._names if self.location else ()

    @property
    def beside(self) -> tuple[str, ...]:
        """The names of what was restored and did not take its place."""
        names = (self.location.new,) if self.location.database else ()
        return names + ((names_of.new_folder(self.location.stamp),) if self.location.objects else ())

    def look_again(self) -> None:
        """Look the containers up anew, after some were replaced; names stay."""
        self._location = None

    def _find(self, containers: tuple[docker.Container, ...]) -> DataLocation:
        self.stamp = self.stamp or f"{host_time.now(self.host.remote):%Y%m%d_%H%M%S}"
        location = locate(self.host.settings, containers, self.stamp, halted=self.halted)
        location = self.held.found(location) if self.halted else location
        wants = {
            "database": (self.host.settings.database, self.backup.database, location.database),
            "objects": (self.host.settings.objects, self.backup.archive, location.objects),
        }
        kept = {}
        for part, (configured, file, box) in wants.items():
            held = self.halted or file is not None
            wanted = part in self.parts and configured is not None and held
            if wanted and configured and not box:
                hint = f"`inv ops.start {configured.service}` starts it; or `inv emergency.recover`."
                if not containers:
                    hint = f"`inv deploy --branch {self.backup.commit}` starts what it was made of."
                raise Refused(
                    f"{configured.service} is not running, so nothing can be restored into it",
                    host=self.host.name,
                    hint=hint,
                )
            kept[part] = box if wanted else ""
        if not any(kept.values()):
            raise Refused(f"{self.backup.id} holds none of what is to be restored", host=self.host.name)
        return replace(location, database=kept["database"], objects=kept["objects"])

    def _stops(self) -> tuple[str, ...]:
        store = self._location.objects if self._location else ""
        return (*self._clients, store)

    def check(self) -> None:
        """Read the backup to its end, and find what it is restored into; change nothing.

        Raises:
            OpsError: where it is damaged, or what it goes to does not run or cannot hold it.
        """
        self.check_files()
        self._check_server(Refused)

    def _check_server(self, failure: type[OpsError]) -> None:
        if self.location.database and not self._fits:
            found = self._run(server.look(self.location), 120).stdout
            server.refuse(found, self.location, self.backup, self.host.name, failure)
            self._fits = True

    def check_files(self) -> None:
        """Read the backup to its end.

        Raises:
            OpsError: where it is damaged.
        """
        if wrong := run.verify(self.host, self.backup):
            raise broken(self.backup, wrong, self.host.name)
        self.host.say(f"Backup {self.backup.id} is as it was written")

    def prepare(self) -> None:
        """Restore it beside what serves, and compare what came out with the manifest.

        Raises:
            OpsError: where anything differs; then nothing of it is left.
        """
        # By now something may have been changed: an emergency took everything down.
        self._check_server(OpsError)
        queries = self.host.settings.backup.drill.queries if self.location.database else ()
        need = drill.needed(self.backup) if self.location.database else 0
        need += self.backup.sizes.get("objects", 0) if self.location.objects else 0
        command = scripts.beside(self.location, self.folder, self.backup, queries, need)
        answer = self._run(command, self.host.settings.backup.deadline)
        seen = drill_scripts.parse(answer.stdout)
        wrong = drill_scripts.wrong(seen, self.backup, queries)
        if not self.location.database:
            wrong = tuple(text for text in wrong if "objects" in text)
        if wrong:
            self.drop()
            raise OpsError(
                f"what was restored is not what was saved: {wrong[0]}",
                host=self.host.name,
                detail="\n".join(wrong[1:]),
            )
        self.host.say(f"Restored beside what serves: {self._summary(seen)}")

    def _summary(self, seen: drill_scripts.Seen) -> str:
        rows = seen.facts.rows
        database = f"{sum(rows.values())} rows in {len(rows)} tables" if self.location.database else ""
        objects = f"{seen.objects} objects" if self.location.objects else ""
        return ", ".join(filter(None, (database, objects)))

    def swap(self) -> None:
        """Swap it in; the services that use it are stopped only for that.

        Raises:
            OpsError: when that failed or they did not get healthy; `back` puts the old data in place again.
        """
        answer = self._run(self._swap(), self._deadline)
        self.gap = swap.parse_gap(answer.stdout)
        away = f"; {', '.join(self._names)} stopped for {self.gap:.1f}s" if self._names else ""
        self.host.say(f"The restored data serves{away}")

    def back(self) -> None:
        """Swap the old data in again, and start the services; may run twice."""
        self._run(self._swap(back=True), self._deadline)
        self.host.say("The old data is in place again")

    def drop(self) -> None:
        """Remove what was restored beside and not swapped in; may run twice."""
        self.held.let_go()
        self._run(scripts.discard(self.location, self.beside), 600)

    def settle(self) -> None:
        """End what follows the old database, once the restored one stays."""
        self.held.let_go()
        if not self.location.database:
            return
        try:
            ended = server.parse_ended(self._run(server.end_followers(self.location), 120).stdout)
        except OpsError as error:
            self.host.warn(f"{error.message}: {self.location.before}")
            return
        if ended:
            what = engine_of(self.location.of_database.engine).followers_are
            text = f"Dropped the {what} of the old database: {', '.join(ended)}"
            text += "; what reads them has to begin anew with the restored one"
            self.host.warn(text)

    def discard_old(self) -> None:
        """Remove the superseded data for good."""
        self.held.let_go()
        names = [self.location.before] if self.location.database else []
        names += [names_of.before_folder(self.location.stamp)] if self.location.objects else []
        self._run(scripts.discard(self.location, names), 600)
        self.host.say("What was there before is discarded")

    @property
    def kept(self) -> tuple[str, ...]:
        """The names of the superseded data."""
        database = (f"database {self.location.before}",) if self.location.database else ()
        objects = (f"objects {names_of.before_folder(self.location.stamp)}",) if self.location.objects else ()
        return database + objects

    def _swap(self, *, back: bool = False) -> Command:
        lock = f"{Paths(self.host.settings.directory).state}/restore.lock"
        wait = self.host.settings.health.deadline
        location = self.held.instead(self.location)
        if self.held.needed:
            # The Swarm starts another container of the object store.
            self.look_again()
        held = {"database": location.database, "objects": location.objects}
        note = swap.Note(self.backup.id, self.stamp, tuple(part for part, box in held.items() if box))
        return swap.swap(location, lock, self._clients, wait, note.text(), back=back, held=self.held.needed)

    @property
    def _deadline(self) -> float:
        return self.host.settings.health.deadline * 3 + self._grace + _MARGIN

    def _run(self, command: Command, deadline: float) -> Result:
        return perform(self.host, command, deadline)
