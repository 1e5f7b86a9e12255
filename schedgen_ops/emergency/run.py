"""The recovery of one host: everything down, its data services up, all of it up, and verified."""

from __future__ import annotations

from dataclasses import dataclass, field

from schedgen_ops.backup.catalog.manifest import Kind
from schedgen_ops.backup.create import run as backups
from schedgen_ops.backup.create.source import source_of
from schedgen_ops.backup.data_location import running
from schedgen_ops.commands import docker, stopped
from schedgen_ops.emergency import remote_commands
from schedgen_ops.emergency.ran import Ran
from schedgen_ops.errors import OpsError, Refused, VerificationFailed
from schedgen_ops.release.paths import Paths
from schedgen_ops.verify import run as verifier
from schedgen_ops.watch import rules

_LONG = 300.0
# Compose takes services down in the order of their needs: a few chains of them, each with its own grace.
_DOWN, _AT_ONCE = 600.0, 4
# The record of the services that use the database.
_USERS = "users"
_COMING_UP = 60


@dataclass(slots=True)
class EmergencyHost(Ran):
    """A host in an emergency."""

    _users: set[str] = field(default_factory=set)
    _services: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Make sure that Docker answers, and find the release that is to serve; change nothing.

        Raises:
            Refused: where it does not.
        """
        answer = self.remote.run(self.docker.version(), deadline=60, check=False)
        if not answer.ok:
            raise Refused(
                "Docker does not answer, and nothing can be recovered without it",
                host=self.remote.name,
                detail=answer.stderr.strip(),
                hint=docker.ENGINE_HINT,
            )
        self.say(
            f"Release {self.release_id} is to serve"
            if self.release_id
            else "No release: the compose file as it is"
        )

    def down(self) -> None:
        """Remove every container of the project; volumes stay."""
        self.note_others()
        longest = docker.grace(running(self.context))
        self.run(self.compose("down", "--remove-orphans"), _DOWN + _AT_ONCE * longest)
        self.say("Everything is down; the volumes are there")

    def safety(self, parts: frozenset[str]) -> None:
        """Back up what is there, as far as it can be read; warn of what cannot."""
        try:
            self._save(parts)
        except OpsError as error:
            self.warn(f"what is there could not be saved as a whole: {error.message}")
            for part in sorted(parts) if len(parts) > 1 else ():
                self.run(remote_commands.next_second(), 60)
                try:
                    self._save(frozenset({part}))
                except OpsError as again:
                    self.warn(f"the {part} could not be saved: {again.message}")

    def _save(self, parts: frozenset[str]) -> None:
        source = source_of(self.context)
        made = backups.create(self.context, Kind.SAFETY, source, parts)
        self.say(f"What is there is saved: {made.id}")

    def stop_users(self) -> None:
        """Stop the services that use the database."""
        names = self.settings.database.used_by if self.settings.database else ()
        boxes = running(self.context)
        found = [box for box in boxes if box.service in names and box.status == "running"]
        self._services = {box.id: box.service for box in boxes}
        self._users = {box.service for box in found}
        if found:
            ids = [box.id for box in found]
            self.run(stopped.stop(self.docker, self._state, _USERS, ids), _LONG + docker.grace(found))
        self.say(f"Stopped: {', '.join(sorted(self._users)) or 'nothing of it runs here'}")

    def start_users(self) -> None:
        """Start what was stopped, by an earlier run that was killed too, and wait until it is healthy."""
        said = self.run(stopped.start(self.docker, self._state, _USERS), _LONG)
        began = (line.removeprefix("started ") for line in said.splitlines())
        users = sorted(self._users | {self._services[each] for each in began if each in self._services})
        if users:
            self.start("--no-recreate", "--no-deps", *users)
            self.say(f"Started: {', '.join(users)}")

    @property
    def _state(self) -> str:
        return Paths(self.settings.directory).state

    def verify(self) -> None:
        """Verify every service and every configured URL, which may take their time to answer.

        Raises:
            VerificationFailed: where something does not answer as it should.
        """
        findings = verifier.come_up(self.context, min(_COMING_UP, self.settings.health.deadline))
        bad = rules.failed(findings)
        if bad:
            raise VerificationFailed(
                f"{len(bad)} of {len(findings)} checks did not pass",
                host=self.remote.name,
                detail="\n".join(f"{each.check}: {each.text}" for each in bad),
                hint=("The data is restored. " if self.data else "")
                + "`inv logs SERVICE` tells what is missing.",
            )
        verifier.tell(self.context, findings)
        self.say(f"All services are healthy ({len(findings)} checks passed)")
        self.tell_lost()
