"""Where a release comes from on a Swarm: a commit that its first host builds, or images that it pulls."""

from __future__ import annotations

from functools import partial

from schedgen_ops import events
from schedgen_ops.deploy import from_git, from_images, images
from schedgen_ops.steps import Step
from schedgen_ops.swarm import building
from schedgen_ops.swarm.session import SwarmSession


def steps(session: SwarmSession) -> tuple[Step, ...]:
    """Return the steps after which the files of a release are there, and nodes can pull what they name."""
    if not session.settings.from_git:
        return from_images.steps(session, partial(_locked, session))
    return (
        from_git.pulling(session),
        Step("2", "Building containers", partial(_build, session), undo=session.undoing(images.drop)),
    )


def _build(session: SwarmSession) -> None:
    building.build(session)
    events.info(session.emit, images.told_built(session.host_runs))


def _locked(session: SwarmSession) -> None:
    session.do(lambda _: building.build(session))
