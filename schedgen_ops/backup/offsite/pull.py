"""Backups brought back from the offsite remote: read on the host, and compared with their manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from schedgen_ops.backup.catalog import manifest, remote_commands, selection
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.create import run
from schedgen_ops.backup.offsite import transfer
from schedgen_ops.commands import rclone
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Offsite

_COPY = "copy "
_SHOWN = 10
_AGAIN = "The same command goes on from here."


@dataclass(slots=True)
class Pull:
    """One host's share of a backup, brought back to it.

    Attributes:
        others: hosts whose copies of the database are taken where there is none of this one's; on a Swarm it
            may have run there.
    """

    host: HostContext
    offsite: Offsite
    target: rclone.RcloneRemote
    others: tuple[str, ...] = ()
    _of: str = ""

    def offered(self, wanted: str) -> Manifest:
        """Return the backup on the remote whose id is or begins with `wanted`.

        Raises:
            ConfigError: for none, or several.
            OpsError: where the remote cannot be asked.
        """
        known: list[str] = []
        for name in (self.host.name, *self.others):
            lines = self._asked(name, wanted)
            catalog = remote_commands.parse_catalog("\n".join(lines))
            own = name == self.host.name
            if catalog.backups if own else any(each.database for each in catalog.backups):
                self._of = name
                return selection.named(catalog, wanted, name)
            if own and catalog.unreadable:
                return selection.named(catalog, wanted, name)
            known += lines
        whom = " or ".join((self.host.name, *self.others))
        raise ConfigError(
            f"there is no copy {wanted!r} of {whom} at {self.offsite.path}", hint=_there_are(known)
        )

    def _asked(self, name: str, wanted: str) -> list[str]:
        lines: list[str] = []
        command = rclone.offered(*self._place, name, wanted)
        failed = f"{self.offsite.path} could not be asked for copies"
        transfer.run(self.host, self.offsite, command, lines.append, failed=failed, again="")
        return lines

    def __call__(self, backup: Manifest) -> None:
        """Bring it here, and the env file with it where the project has none.

        Raises:
            OpsError: where what arrived is not the backup.
        """
        if any(each.id == backup.id for each in run.listed(self.host)):
            self.host.say(f"{backup.id} is here already")
        else:
            self._pulled(backup)
            self.host.in_project(remote_commands.finish(f"{self._folder}/{backup.id}", backup))
            self.host.say(f"{backup.id} is here, size and SHA-256 are those of its manifest")
        self._env_file(backup)

    def _pulled(self, backup: Manifest) -> None:
        wrong = transfer.copy(
            self.host,
            self.offsite,
            backup,
            partial(rclone.pull, *self._place, self._of or self.host.name, backup.id, backup.size),
            doing="Fetching",
            reading="Reading",
            failed=f"the copy from {self.offsite.path} failed",
            again=_AGAIN,
            unlike="not what the manifest says",
        )
        if wrong:
            text = f"the copy at {self.offsite.path} is not the backup: {', '.join(wrong)}"
            raise OpsError(text, host=self.host.name, hint="Take another backup.")

    def _env_file(self, backup: Manifest) -> None:
        settings = self.host.settings
        if settings.delivered or not any(file.name == "config.env" for file in backup.files):
            return
        command = host_script(
            "backup/env_back",
            title=f"put {settings.env_file} back",
            kept=f"{self._folder}/{backup.id}/config.env",
            file=settings.env_file,
            state=Paths(settings.directory).state,
        )
        if self.host.in_project(command).stdout.strip():
            self.host.warn(f"there was no {settings.env_file}: that of the backup is in its place")

    @property
    def _place(self) -> tuple[Docker, rclone.RcloneRemote, str]:
        return self.host.docker, self.target, self._folder

    @property
    def _folder(self) -> str:
        return self.host.settings.backup.directory


def _there_are(lines: Sequence[str]) -> str:
    """The newest copies that the remote has, where it has none of that name."""
    names = [line.removeprefix(_COPY) for line in lines if line.startswith(_COPY)]
    known = sorted(filter(manifest.is_backup_id, names), key=_time, reverse=True)
    if not known:
        return "Copies are kept by the host's name in the config, and there is none of this one."
    more = f" and {len(known) - _SHOWN} older ones" if len(known) > _SHOWN else ""
    return f"There are: {', '.join(known[:_SHOWN])}{more}."


def _time(backup_id: str) -> str:
    """When it was made: the end of its name."""
    return backup_id[-15:]
