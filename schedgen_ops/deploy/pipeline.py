"""A run assembled from named parts: what a deploy, a guarded deploy and a rollback have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from schedgen_ops import events
from schedgen_ops.deploy import cleaning, closing, first_start, ingress, measured, rolling, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.impact import impact
from schedgen_ops.deploy.rolling import Act, Part
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.rollout import scope
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import Tier
from schedgen_ops.steps import Step

INGRESS = Part("", "Ingress", ingress.bring, ingress.bring_back)
"""What publishes ports put behind the ingress, to be replaced unnoticed."""


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps that make a release serve on every host of a session."""

    session: Session
    steps: tuple[Step, ...]

    def __call__(self) -> str:
        """Run the steps, and return the release's id.

        Raises:
            OpsError: with the exit code that says what serves now.
        """
        session = self.session
        runner = StepRunner(
            session.emit,
            session.clock,
            serving=session.serving,
            interrupt=session.interrupt,
            regain=session.regain,
        )
        with INTERRUPTS.kept(), session:
            try:
                runner.run(self.steps)
            except OpsError as error:
                measured.outcome(error, session.host_runs)
                self._end(error, tuple(runner.durations))
                raise
            self._end(None, tuple(runner.durations))
            return session.host_runs[0].release.id

    def _end(self, error: OpsError | None, durations: tuple[tuple[str, float], ...]) -> None:
        session = self.session
        session.measured()
        closing.close(
            session.fleet,
            session.host_runs,
            error,
            durations,
            session.emit,
            serves=session.serves,
            veil=session.veil,
        )


def preflight(session: Session, ready: Act = nothing, *, pulls: bool = False) -> Step:
    """Return the step that makes sure that every host is ready and nobody else is at work.

    Args:
        ready: makes sure of what else must hold before anything begins; the lock is held then.
        pulls: whether the session's ref is fetched.
    """

    def run() -> None:
        session.open(pulls=pulls)
        ready()
        session.emit(events.Fact("impact", impact(session.host_runs)))
        if all(host_run.seen.blank for host_run in session.host_runs):
            events.info(session.emit, "Nothing answers here yet: there is nothing that a visitor could miss")
        else:
            session.probe()
        events.info(session.emit, "Pre-flight checks passed")

    return Step("", "Pre-flight Checks", run, gate=True)


def parts(session: Session, first: int) -> tuple[Part, ...]:
    """Return what is done with the services of each host: the ingress, then tier by tier or all in one.

    Args:
        first: the number of the first tier.
    """
    settings, here = session.settings, [session.settings.host(name) for name in session.fleet.names]
    if not settings.tiers:
        return (INGRESS, _tier(str(first), rolling.TITLE, _everything))
    numbered = [
        (number, tier)
        for number, tier in enumerate(settings.tiers, start=first)
        if any(host.runs(service) for host in here for service in tier.services)
    ]
    tiers = (
        _tier(
            str(number),
            rolling.of_tier(tier),
            partial(_of_tier, tier, last=tier is numbered[-1][1]),
        )
        for number, tier in numbered
    )
    return (INGRESS, *tiers)


def _everything(host_run: HostRun) -> list[str]:
    return scope.order(host_run.settings, host_run.release.services) + first_start.rest(host_run)


def _of_tier(tier: Tier, host_run: HostRun, *, last: bool) -> list[str]:
    records = host_run.release.services
    names = dict(scope.parts(host_run.settings, records))[tier.name]
    names = [name for name in names if name in records]
    return names + first_start.rest(host_run) if last else names


def _tier(number: str, title: str, which: Callable[[HostRun], list[str]]) -> Part:
    def roll(host_run: HostRun) -> None:
        services.roll(host_run, which(host_run))

    def roll_back(host_run: HostRun) -> None:
        # Where nothing ran, all of it is taken down at once, by the step that began it.
        mine = host_run.new is not None and not host_run.seen.blank
        services.roll_back(host_run, which(host_run) if mine else ())

    return Part(number, title, roll, roll_back)


def check(session: Session, number: int, title: str = "Post-deployment verification") -> Step:
    """Return the step that verifies every host, while what was replaced stands by."""

    def run() -> None:
        _verify(session, settle=False)
        measured.verified(session.host_runs, session.emit)

    return Step(str(number), title, run)


def verification(
    session: Session, number: int, title: str = "Post-deployment verification", *, settle: bool = True
) -> Step:
    """Return the step that verifies every host and makes the new release the one that serves.

    Args:
        settle: whether what was replaced has to stay up for a while first.
    """

    def run() -> None:
        _verify(session, settle=settle)
        # It serves once it was seen to do without what it replaced.
        session.do(services.cut_off)
        session.do(services.verify_alone)
        session.do(services.serve)
        session.serves = True
        measured.verified(session.host_runs, session.emit)

    return Step(str(number), title, run, undo=session.undoing(services.reopen), settles=True)


def _verify(session: Session, *, settle: bool) -> None:
    session.phase("after")
    session.do(lambda host_run: services.verify(host_run, settle=settle))


def clean_up(session: Session, number: int, before: Act = nothing) -> Step:
    """Return the step that removes what was replaced and what no kept release needs."""

    def run() -> None:
        before()
        cleaning.clean_up(session.do, session.emit)

    return Step(str(number), "Cleaning up old images", run, stays=cleaning.QUESTION)


def end(session: Session, number: int, before: Act = nothing) -> tuple[Step, ...]:
    """Return the steps after the release was made to serve.

    Args:
        number: that of the cleaning up.
        before: what comes first in it.
    """
    left = (rolling.put_back_left(session),) if session.balancer else ()
    return (clean_up(session, number, before), *left)
