"""Offsite copies of backups: made by rclone on the host, read back, and recorded in the manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from schedgen_ops.backup.catalog import host_time, remote_commands
from schedgen_ops.backup.catalog.manifest import Copy, Manifest
from schedgen_ops.backup.offsite import transfer
from schedgen_ops.clock import stamp
from schedgen_ops.commands import rclone
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.settings import Offsite, Settings
from schedgen_ops.shell import Secret

_AGAIN = "`inv backup.push ID` tries again. The backup on the host is as good as before."


def credentials(offsite: Offsite, environ: Mapping[str, str] = os.environ) -> rclone.RcloneRemote:
    """Return the rclone remote with its secrets, which come from the environment.

    Raises:
        ConfigError: where a variable is not set; all of them are named.
    """
    needed = (*offsite.secrets.values(), *([offsite.password] if offsite.password else []))
    missing = sorted({name for name in needed if not environ.get(name)})
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} must be set: backup.offsite takes secrets from the environment",
            hint="Export them in your shell, or have your password manager do it.",
        )
    return rclone.RcloneRemote(
        path=offsite.path,
        options=offsite.options,
        secrets={option: Secret(environ[name]) for option, name in offsite.secrets.items()},
        password=Secret(environ[offsite.password]) if offsite.password else None,
        image=offsite.image or "",
    )


def with_deploy(settings: Settings, environ: Mapping[str, str] = os.environ) -> rclone.RcloneRemote | None:
    """Return the rclone remote that a deploy's backup is copied to; None where it is not.

    Raises:
        ConfigError: where a variable is not set.
    """
    offsite = settings.backup.offsite
    if offsite is None or not offsite.with_deploy:
        return None
    if not encrypts(offsite):
        raise ConfigError(
            "backup.offsite.with_deploy needs backup.offsite.password",
            hint="A deploy's backup holds the configuration with its secrets: a copy of it is encrypted.",
        )
    return credentials(offsite, environ)


def encrypts(offsite: Offsite) -> bool:
    """Return whether nobody can read a copy there without a password."""
    return offsite.password is not None or offsite.options.get("type") == "crypt"


def after_backup(host: HostContext, backup: Manifest) -> None:
    """Copy a deploy's backup, if the configuration says so.

    Raises:
        OpsError: when the copy is not complete and right.
    """
    target, offsite = with_deploy(host.settings), host.settings.backup.offsite
    if target is not None and offsite is not None:
        Push(host, offsite, target)(backup)


@dataclass(slots=True)
class Push:
    """The offsite copy of one host's share of a backup."""

    host: HostContext
    offsite: Offsite
    target: rclone.RcloneRemote

    def __call__(self, backup: Manifest) -> Manifest:
        """Copy the backup, read the copy back, and return the manifest with the copy recorded.

        Raises:
            Refused: where secrets would be copied in clear.
            OpsError: when the copy is not complete and right; that is recorded too.
        """
        clear = [file.name for file in backup.files if file.name.startswith("config.")]
        if clear and not encrypts(self.offsite):
            raise Refused(
                f"{', '.join(clear)} of {backup.id} would lie at {self.offsite.path} in clear",
                host=self.host.name,
                hint="It holds secrets: name the variable of a password in backup.offsite.password.",
            )
        try:
            self._copied(backup)
        except OpsError as error:
            self._record_failure(backup, error)
            raise
        done = self._record(backup, "passed")
        try:
            seal = rclone.seal(*self._place(done))
            transfer.run(self.host, self.offsite, seal, failed=self._failed, again=_AGAIN)
        except OpsError as error:
            self._record_failure(backup, error)
            raise
        where = self._where(backup)
        self.host.say(f"Copied to {where}, size and SHA-256 read back and right")
        return done

    def _copied(self, backup: Manifest) -> None:
        wrong = transfer.copy(
            self.host,
            self.offsite,
            backup,
            partial(rclone.copy, *self._place(backup)),
            doing="Copying",
            reading="Reading back",
            failed=self._failed,
            again=_AGAIN,
            unlike=f"not the same at {self._where(backup)}",
        )
        if wrong:
            raise OpsError(
                f"the copy is not the same as the backup: {', '.join(wrong)}",
                host=self.host.name,
                hint=_AGAIN,
            )

    def _place(self, backup: Manifest) -> tuple[Docker, rclone.RcloneRemote, str, str]:
        folder = f"{self.host.settings.backup.directory}/{backup.id}"
        return self.host.docker, self.target, folder, f"{self.host.name}/{backup.id}"

    def _where(self, backup: Manifest) -> str:
        return f"{self.offsite.path.rstrip('/')}/{self.host.name}/{backup.id}"

    @property
    def _failed(self) -> str:
        return f"the copy to {self.offsite.path} failed"

    def _record_failure(self, backup: Manifest, error: OpsError) -> None:
        reason = error.detail.splitlines()[-1] if error.detail else error.message
        try:
            self._record(backup, reason)
        except OpsError as second:
            self.host.warn(f"that could not be recorded: {second.message}")

    def _record(self, backup: Manifest, result: str) -> Manifest:
        """What became of it, in the manifest as it is by now: a drill may have been recorded meanwhile."""
        directory = self.host.settings.backup.directory
        where = self.host.settings.directory
        asked = [host_time.ask(), remote_commands.list_(directory).in_dir(where)]
        time, listed = self.host.remote.batch(asked, deadline=60)
        now = next(
            (b for b in remote_commands.parse_catalog(listed.stdout).backups if b.id == backup.id), backup
        )
        copy = Copy(stamp(host_time.parse(time.stdout)), self._where(backup), result)
        done = replace(now, offsite=copy)
        self.host.remote.run(
            remote_commands.update(f"{directory}/{backup.id}", done).in_dir(where), deadline=60
        )
        return done
