"""What is delivered against what a host has: names, never values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.secrets.env_file import EnvFile
from schedgen_ops.secrets.remote_commands import Held


@dataclass(frozen=True, slots=True)
class Difference:
    """How the env file of a host differs from what would be delivered.

    Attributes:
        state: as in `Held`.
        new: names that the host does not have.
        changed: names whose values differ.
        gone: names that only the host has.
        same: names with the same value.
        refused: whether Compose does not take the host's file.
    """

    state: str
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    refused: bool = False

    @property
    def any(self) -> bool:
        """Whether a delivery would change what Compose reads."""
        return bool(self.new or self.changed or self.gone or self.refused)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that a container would see change."""
        return tuple(sorted((*self.new, *self.changed, *self.gone)))

    @property
    def by_hand(self) -> bool:
        """Whether a delivery would replace what somebody wrote on the host."""
        return self.state in ("edited", "foreign") and bool(self.changed or self.gone or self.refused)

    def __str__(self) -> str:
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (("new:", self.new), ("differs:", self.changed), ("only there:", self.gone))
            if names
        ]
        if self.refused:
            parts.append("Compose does not take the file that is there")
        return "; ".join(parts) or "the same"


def compare(env: EnvFile, held: Held) -> Difference:
    """Return how a host's env file differs from `env`."""
    ours, theirs = env.digests(held.salt), held.digests
    return Difference(
        state=held.state,
        new=tuple(sorted(ours.keys() - theirs.keys())) if not held.refused else (),
        changed=tuple(sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name])),
        gone=tuple(sorted(theirs.keys() - ours.keys())),
        same=tuple(sorted(name for name in ours.keys() & theirs.keys() if ours[name] == theirs[name])),
        refused=held.refused,
    )
