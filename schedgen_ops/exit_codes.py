"""What each exit code says of a run, in words: for what is shown, the report and the team. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.errors import LockHeld, OpsError, Refused, RolledBack, Unreachable, VerificationFailed

DONE = 0
REFUSED = Refused.exit_code
TAKEN_BACK = RolledBack.exit_code
NEEDS_A_PERSON = OpsError.exit_code
UNVERIFIED = VerificationFailed.exit_code
LOCKED = LockHeld.exit_code
UNREACHABLE = Unreachable.exit_code
INTERRUPTED = 130
"""The exit code of a run that Ctrl-C ended, as shells have it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an exit code says.

    Attributes:
        verdict: how the run ended, in a word or two.
        ended: the same behind the run's name in a sentence; "" where that depends on more than the code.
        outcome: what is so on the hosts now; "" where the code does not say it.
    """

    verdict: str
    ended: str = ""
    outcome: str = ""


WORDS = {
    DONE: Words("done"),
    REFUSED: Words("refused", "was refused, nothing was changed", "nothing was changed"),
    TAKEN_BACK: Words("taken back", "failed and was taken back", "the old release still serves"),
    NEEDS_A_PERSON: Words("needs a person", "FAILED and needs a person"),
    UNVERIFIED: Words("verification failed", "did not pass its verification"),
    LOCKED: Words("lock held", "was refused, somebody else is at work"),
    UNREACHABLE: Words("host unreachable"),
    INTERRUPTED: Words("interrupted", "was interrupted"),
}


def words(code: int) -> Words:
    """Return what an exit code says; of one that is not ours, that the run failed with it."""
    return WORDS.get(code) or Words(f"failed with {code}")
