"""A service as a release has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord


@dataclass(frozen=True, slots=True)
class Version:
    """A service as a release has it."""

    service: str
    release_id: ReleaseId
    record: ServiceRecord

    @property
    def behind(self) -> bool:
        """Whether it is behind the ingress."""
        return bool(self.record.proxies)

    def __str__(self) -> str:
        return f"{self.service} of {self.release_id}"


def version(release: Release | None, service: str) -> Version | None:
    """Return a service as `release` has it; None where it has none of that name."""
    record = release.services.get(service) if release else None
    return Version(service, release.id, record) if release and record else None


def versions(release: Release | None, services: Iterable[str] | None = None) -> tuple[Version, ...]:
    """Return those of `services`, or all, that the release has, in that order."""
    names = services if services is not None else release.services if release else ()
    return tuple(found for name in names if (found := version(release, name)))
