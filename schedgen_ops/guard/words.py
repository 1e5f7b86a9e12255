"""What an operator is told when a watch begins, and when it ends otherwise than well."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops import events
from schedgen_ops.errors import HandedOver, OpsError
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.settings import Settings


def announce(emit: events.Emit, settings: Settings, what: str, seconds: int) -> None:
    """Tell that a watch begins, and by which limits it judges.

    Args:
        what: what is watched.
    """
    limits = settings.limits
    events.info(emit, f"Monitoring {what} for {seconds}s...")
    events.info(emit, "Automatic rollback will trigger if:")
    events.info(emit, f"  - Error rate exceeds {limits.error_percent:.2f}%")
    events.info(emit, f"  - {limits.consecutive_failures} consecutive health check failures occur")


def handed_over(lost: Sequence[str], then: str, more: str) -> HandedOver:
    """Return the error of a run whose hosts watch on by themselves.

    Args:
        lost: their names.
        then: what they do.
        more: the end of the hint.
    """
    return HandedOver(
        f"the connection was lost during the watch; the host watches on, and {then}",
        host=", ".join(lost),
        hint=f"`inv deploy.status` tells how it stands, and how it ended{more}.",
    )


def taken_back(watches: Sequence[HostWatch]) -> OpsError:
    """Return the error of a release that went back, or could not."""
    first = next((watch for watch in watches if watch.verdict and watch.outcome != "kept"), watches[0])
    return OpsError(
        first.verdict or first.reason,
        host=first.host,
        detail="" if first.outcome == "back" else first.reason,
        hint="`inv deploy.show RELEASE` has the record; mend the release and deploy again.",
    )
