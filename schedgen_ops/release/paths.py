"""Where a release lives on a host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.release.record import ReleaseId

FOLDER = ".schedgen"
# In the folder of a release: files that it has for itself, as in the repository.
TREE = "tree"


@dataclass(frozen=True, slots=True)
class Paths:
    """The places of our state below the project's directory."""

    directory: str

    @property
    def state(self) -> str:
        """The folder of all state."""
        return f"{self.directory}/{FOLDER}"

    @property
    def ingress(self) -> str:
        """The folder with the ingress's configuration."""
        return f"{self.state}/ingress"

    @property
    def current(self) -> str:
        """The file that names the release that serves."""
        return f"{self.state}/current"

    @property
    def releases(self) -> str:
        """The folder with one folder a release."""
        return f"{self.state}/releases"

    def release(self, release_id: ReleaseId) -> str:
        """Return the folder of a release: record, definitions, build log."""
        return f"{self.releases}/{release_id}"

    def record(self, release_id: ReleaseId) -> str:
        """Return the path of a release's record."""
        return f"{self.release(release_id)}/release.json"


def elsewhere(project: str) -> Paths:
    """Return the places where the project's directory need not be: in the home of who signs in."""
    return Paths(f".local/state/schedgen/{project}")
