"""The operations that move the work tree. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckOut:
    """The work tree goes to a release's commit; `was` is the commit and the branch that it was at."""

    commit: str
    was: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"check out {self.commit[:12]}"

    def inverse(self) -> tuple[GoBack]:
        """The work tree as it was."""
        return (GoBack(*self.was, leaves=self.commit),)


@dataclass(frozen=True, slots=True)
class GoBack:
    """The work tree as it was before a release; only what moved is moved, and a failing hook is no failure.

    Attributes:
        branch: the branch that was checked out; "" for none.
        leaves: the commit that it may be at now; "" where that is not known.
    """

    commit: str
    branch: str = ""
    leaves: str = ""

    def __str__(self) -> str:
        return f"go back to {self.branch or self.commit[:12]}"

    def inverse(self) -> tuple[CheckOut]:
        """The release's commit."""
        return (CheckOut(self.leaves, (self.commit, self.branch)),)
