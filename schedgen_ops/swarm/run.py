"""The deploy on a Swarm, step by step: the runbook's steps, with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schedgen_ops import events
from schedgen_ops.clock import stamp
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import cleaning, code, images, measured, pipeline, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.pipeline import Pipeline, nothing
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.deploy.run import last
from schedgen_ops.deploy.session import Session
from schedgen_ops.host_context import QUICK
from schedgen_ops.ops import maintenance
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, State, kept
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.grouping import needed_by
from schedgen_ops.steps import Step
from schedgen_ops.swarm import backing, parted, rolling, sources
from schedgen_ops.swarm.canary import undoing
from schedgen_ops.swarm.manager import MIGRATING, commands, folder, seen
from schedgen_ops.swarm.session import SwarmSession

VERIFICATION = "Post-deployment verification"


def deploy(session: Session) -> Pipeline:
    """Return the pipeline of a deploy of the session's ref.

    Raises:
        TypeError: for a session that is on no Swarm.
    """
    on = of(session)
    number = last(on)
    return Pipeline(on, (*until_verified(on), verification(on, number), clean_up(on, number + 1)))


def until_verified(on: SwarmSession, canary: Sequence[Step] = ()) -> tuple[Step, ...]:
    """Return the steps before the verification.

    Args:
        canary: those of a canary, before the services are replaced.
    """
    migrating = on.settings.migrations is not None
    return (
        pipeline.preflight(on, lambda: _make_sure(on), pulls=True),
        *((backing.step(on),) if on.settings.stores else ()),
        *sources.steps(on),
        *((_migrations(on),) if migrating else ()),
        open_ingress(on, begins=not migrating),
        *canary,
        *tiers(on),
    )


def _make_sure(session: SwarmSession) -> None:
    """The page can be read, git can move the work tree, all nodes can be told, the backup has room."""
    maintenance.page_text(session.settings)
    parted.refuse(session.nodes, session.node)
    code.try_hook(session.at_work)
    backing.look(session)


def of(session: Session) -> SwarmSession:
    """Return a session as one on a Swarm.

    Raises:
        TypeError: where it is none.
    """
    if not isinstance(session, SwarmSession):
        raise TypeError("the session is on no Swarm")
    return session


def _migrations(session: SwarmSession) -> Step:
    """The schema, moved by a job of the new image before any service."""

    def run() -> None:
        host_run = session.at_work
        begin(host_run)
        asked = session.settings.migrations
        if asked is None:
            return
        records = host_run.release.services
        jobs = scope.before_migrating(host_run.settings, host_run.host, records)
        needed = needed_by([asked.service], {name: record.needs for name, record in records.items()})
        _bring_data(session)
        # Where nothing runs yet, what they need does not either.
        rolling.bring(host_run, [*needed] if host_run.old is None else jobs)
        rolling.run_job(host_run, MIGRATING, asked.deadline)
        for name in host_run.release.migrations:
            events.info(session.emit, f"New migration: {name}")
        events.info(session.emit, "Migrations completed successfully")

    return Step("3", "Running database migrations", run, undo=undoing(session), waits=True)


def _bring_data(session: SwarmSession) -> None:
    """Have what holds data run that does not yet, and save what it has before anything is done with it."""
    host_run = session.at_work
    if not (new := backing.begun(session)):
        return
    records = host_run.release.services
    needed = needed_by(new, {name: record.needs for name, record in records.items()})
    rolling.bring(host_run, [*needed, *new])
    backing.save_first(session)
    begin(host_run)


def begin(host_run: HostRun) -> None:
    """Keep in the record that what serves is changed from now on."""
    host_run.new = replace(host_run.release, backup=host_run.backup, reached=True)
    store.write(host_run.remote, host_run.paths, host_run.new)


def open_ingress(session: SwarmSession, *, begins: bool) -> Step:
    """Return the step that has the ingress on the nodes as the release has it.

    Args:
        begins: whether nothing that serves was changed before it.
    """

    def run() -> None:
        host_run = session.at_work
        if begins:
            begin(host_run)
            _bring_data(session)
        session.phase("during")
        if rolling.has(host_run.release, INGRESS):
            with session.ingresses.replaced(host_run.release):
                rolling.together(host_run, [INGRESS])

    return Step("", "Ingress", run, undo=undoing(session), waits=begins)


def tiers(session: SwarmSession) -> tuple[Step, ...]:
    """Return the steps that replace services, tier by tier or all in one."""
    if not session.settings.tiers:
        return (_rolling(session, "4", "Rolling update", ""),)
    return tuple(
        _rolling(session, str(number), f"Rolling update - {tier.name} services", tier.name)
        for number, tier in enumerate(session.settings.tiers, start=4)
    )


def _rolling(session: SwarmSession, number: str, title: str, tier: str) -> Step:
    def run() -> None:
        host_run = session.at_work
        records = host_run.release.services
        names: Sequence[str] = [*records]
        if tier:
            names = dict(scope.parts(session.settings, records))[tier]
        skipped = {scope.migrating(session.settings, records), *session.brought}
        rolling.bring(host_run, [name for name in names if name not in skipped])

    return Step(number, title, run, undo=undoing(session))


def check(session: SwarmSession, number: int) -> Step:
    """Return the step that verifies the stack, and names nothing yet."""

    def run() -> None:
        session.phase("after")
        session.at_work.checked = session.verify()
        measured.verified(session.host_runs, session.emit)

    return Step(str(number), VERIFICATION, run)


def verification(
    session: SwarmSession, number: int, title: str = VERIFICATION, *, settle: bool = True
) -> Step:
    """Return the step that verifies the stack and makes the new release the one that serves."""

    def run() -> None:
        session.phase("after")
        host_run = session.at_work
        if settle:
            rolling.settled(host_run)
        host_run.checked = session.verify()
        serve(host_run)
        session.serves = True
        measured.verified(session.host_runs, session.emit)

    return Step(str(number), title, run, undo=session.undoing(services.reopen), settles=True)


def serve(host_run: HostRun) -> None:
    """Name the release as the one that serves, and mark it DONE."""
    host_run.new = replace(host_run.release, state=State.DONE, finished=stamp(host_run.clock.now()))
    store.set_current(host_run.remote, host_run.paths, host_run.new.id)
    store.write(host_run.remote, host_run.paths, host_run.new)


def clean_up(session: SwarmSession, number: int, before: Act = nothing) -> Step:
    """Return the step that removes what no kept release needs; all of it is a warning where it fails.

    Args:
        before: what comes first in it.
    """

    def run() -> None:
        with cleaning.as_warning(session.emit):
            before()
        with cleaning.as_warning(session.emit):
            host_run = session.at_work
            images.clean_up(host_run)
            _tidy(host_run)
            _leftovers(host_run, host_run.release)

    return Step(str(number), "Cleaning up old images", run, stays=cleaning.QUESTION)


def _tidy(host_run: HostRun) -> None:
    shelf = store.known(host_run.remote, host_run.paths)
    stay = kept(shelf.releases, shelf.current, host_run.settings.releases.keep)
    folders = [folder(host_run.paths, release.id) for release in stay]
    host_run.run(commands(host_run.context).tidy(host_run.settings.project, folders), deadline=QUICK)


def _leftovers(host_run: HostRun, release: Release) -> None:
    """Tell of services that run and that the release does not have."""
    there = {each.service for each in seen(host_run.context).services}
    for name in sorted(there):
        if not rolling.has(release, name):
            host_run.warn(f"Service {name} still runs, and the release no longer has it")
