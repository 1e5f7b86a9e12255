"""The operations that move the work tree. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.release.record import NO_RELEASE, ReleaseId


@dataclass(frozen=True, slots=True)
class CheckOut:
    """The work tree goes to a release's commit; `was` is the commit and the branch that it was at.

    Attributes:
        env: the release whose env file comes with it; "" where no env file is delivered.
    """

    commit: str
    was: tuple[str, str] = ("", "")
    env: ReleaseId = NO_RELEASE

    def __str__(self) -> str:
        return f"check out {self.commit[:12]}"

    def inverse(self) -> tuple[GoBack]:
        """The work tree as it was."""
        env = (self.env,) if self.env else ()
        return (GoBack(*self.was, leaves=self.commit, env=env),)


@dataclass(frozen=True, slots=True)
class GoBack:
    """The work tree as it was before a release; only what moved is moved, and a failing hook is no failure.

    Attributes:
        commit: "" where there is no work tree to move.
        branch: the branch that was checked out; "" for none.
        leaves: the commit that it may be at now; "" where that is not known.
        env: the releases whose env file goes back to what they found, the last one first.
    """

    commit: str
    branch: str = ""
    leaves: str = ""
    env: tuple[ReleaseId, ...] = ()

    def __str__(self) -> str:
        if not self.commit:
            return "put the env file back" if self.env else "leave the files as they are"
        return f"go back to {self.branch or self.commit[:12]}{', with the env file' if self.env else ''}"

    def inverse(self) -> tuple[CheckOut]:
        """The release's commit."""
        return (CheckOut(self.leaves, (self.commit, self.branch), *self.env[:1]),)
