"""A backup whose data a host begins with, and the way back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.restore.run import Restore
from schedgen_ops.host_context import HostContext


@dataclass(slots=True)
class Seed:
    """A backup whose data a host begins with."""

    restore: Restore
    _beside: bool = False
    _swapped: bool = False

    @property
    def planted(self) -> bool:
        """Whether anything of it was begun and not taken back."""
        return self._beside or self._swapped

    @property
    def restarted(self) -> str:
        """The id of the container that was stopped for it and started again; "" for none."""
        return self.restore.location.objects if self._swapped else ""

    def plant(self) -> None:
        """Restore it into what was just started.

        Raises:
            OpsError: where that failed; `take_back` puts in place what was there.
        """
        self.restore.check()
        self._beside = True
        self.restore.prepare()
        self._swapped = True
        self.restore.swap()

    def take_back(self) -> None:
        """Put what was there in its place again; may run twice."""
        if self._swapped:
            self.restore.back()
            self._swapped = False
        if self._beside:
            self.restore.drop()
            self._beside = False


def seed(host: HostContext, backups: Mapping[str, Manifest]) -> Seed | None:
    """Return what a host begins with, of the backups by host; None for nothing."""
    return Seed(Restore(host, backups[host.name])) if host.name in backups else None
