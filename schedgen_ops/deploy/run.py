"""The deploy on every host, step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog.manifest import Kind
from schedgen_ops.backup.create import capacity
from schedgen_ops.backup.create import run as backup
from schedgen_ops.backup.offsite import push
from schedgen_ops.backup.restore import drill
from schedgen_ops.deploy import code, first_start, from_git, from_images, pipeline, schema
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.rolling import Judge, Rolling
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import at_once
from schedgen_ops.preflight.local_engine import INSTEAD
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE
from schedgen_ops.steps import Step


def deploy(session: Session, judge: Judge | None = None) -> Pipeline:
    """Return the pipeline of a deploy of the session's ref.

    Args:
        judge: judges the release on canary hosts before the others get it; None for nobody.
    """
    number = last(session)
    end = (pipeline.verification(session, number), *pipeline.end(session, number + 1))
    return Pipeline(session, (*until_verified(session, judge), *end))


def last(session: Session) -> int:
    """Return the runbook's number of the verification, which comes after the tiers."""
    return 4 + max(1, len(session.settings.tiers))


def until_verified(session: Session, judge: Judge | None = None) -> tuple[Step, ...]:
    """Return the steps before the verification, in the runbook's order and with its numbers.

    What does not apply to the hosts of the session is left out.
    """
    migrating, holders = _migrating(session), _holders(session)
    rolling = Rolling(session, pipeline.parts(session, 4), judge)
    return (
        pipeline.preflight(session, partial(_make_sure, session, rolling), pulls=True),
        *((_backup(session),) if holders else ()),
        *(from_git if session.settings.from_git else from_images).steps(session),
        *((_migrations(session), *rolling.steps()) if migrating else _unmigrated(session, rolling)),
    )


def _holders(session: Session) -> set[str]:
    return session.among(session.settings.backup_hosts())


def _migrating(session: Session) -> set[str]:
    return session.among(session.settings.migrating_hosts())


def _make_sure(session: Session, rolling: Rolling) -> None:
    """Somebody serves at any time, there is room for the backup, and git can move the work tree."""
    rolling.ready()
    session.do(_unseeded)
    _one_platform(session)
    session.do(code.try_hook)
    session.do(_look_for_room, only=_holders(session) - {*session.seeds})


def _one_platform(session: Session) -> None:
    """What this machine builds is for all hosts."""
    platforms = {host_run.seen.platform for host_run in session.host_runs}
    if session.builder and len(platforms) > 1:
        text = f"the hosts are {' and '.join(sorted(platforms))}: one build cannot be for all of them"
        raise Refused(text, hint=f"`--hosts` deploys to those that are alike; {INSTEAD}")


def _unseeded(host_run: HostRun) -> None:
    if host_run.seed is not None and not host_run.seen.blank:
        raise Refused(
            "the project runs here by now",
            host=host_run.remote.name,
            hint="`inv backup.restore ID` restores beside what runs.",
        )


def _backup(session: Session) -> Step:
    """A checked backup of database and objects, before anything changes."""

    def run() -> None:
        blank = {host_run.remote.name for host_run in session.host_runs if host_run.seen.blank}
        holders = _holders(session) - blank
        for name in sorted(_holders(session) & blank):
            events.info(session.emit, "Nothing runs here yet: what there is is saved once it does", name)
        if holders:
            events.info(session.emit, "Creating backup before deployment")
            at = host_time.together(session.fleet.only(tuple(holders)))
            session.do(partial(_back_up, at=at), only=holders)
            events.info(session.emit, "Pre-deployment backup completed successfully")

    return Step("0", "Pre-deployment backup", run, beside=True)


def _back_up(host_run: HostRun, *, at: datetime | None) -> None:
    kind, totals = Kind.PRE_DEPLOYMENT, host_run.totals
    made = backup.create(host_run.context, kind, _source(host_run), totals=totals, at=at)
    drill.when_due(host_run.context, made)
    push.after_backup(host_run.context, made)
    host_run.backup = f"{host_run.settings.backup.directory}/{made.id}"


def _migrations(session: Session) -> Step:
    """The schema, once a database; from here on there is a backup."""

    def run() -> None:
        _begin(session)
        migrate = partial(session.do, schema.migrate, only=_migrating(session))
        at_once([migrate, partial(session.do, code.keep_logs)])
        added = sorted({name for host_run in session.host_runs for name in host_run.release.migrations})
        if added:
            session.emit(events.Fact("migrations", added))
        for name in added:
            events.info(session.emit, f"New migration: {name}")
        events.info(session.emit, "Migrations completed successfully")

    undo = session.undoing(_unmigrate)
    return Step("3", "Running database migrations", run, undo=undo, waits=True)


def _unmigrate(host_run: HostRun) -> None:
    """What the migrations' step did beside the schema, which stays."""
    schema.unprepare(host_run)
    first_start.take_back(host_run)


def _begin(session: Session) -> None:
    """What comes before anything is changed: the data, where nothing runs yet, and the record."""
    session.do(_fill)
    session.do(_note_change)


def _unmigrated(session: Session, rolling: Rolling) -> tuple[Step, ...]:
    """The services where no migrations come before them."""

    def before() -> None:
        _begin(session)
        session.do(code.keep_logs)

    return rolling.steps(before, first_start.take_back, waits=True)


def _fill(host_run: HostRun) -> None:
    """Start what holds data where nothing runs yet; save it, or put a backup in its place."""
    if not host_run.seen.blank:
        return
    first_start.start(host_run)
    if host_run.seed is not None:
        host_run.seed.plant()
    elif host_run.host in host_run.settings.backup_hosts():
        _back_up(host_run, at=None)


def _source(host_run: HostRun) -> backup.Source:
    serving = host_run.seen.shelf.serving
    commit = serving.commit if serving else host_run.seen.tree.commit
    boxes = host_run.containers() if host_run.seen.blank else host_run.seen.containers
    return backup.Source(serving.id if serving else NO_RELEASE, commit, boxes)


def _look_for_room(host_run: HostRun) -> None:
    host_run.totals = capacity.ensured(host_run.context, _source(host_run))


def _note_change(host_run: HostRun) -> None:
    """Keep in the record that what serves is changed from now on, and the backup to go back to."""
    host_run.new = replace(host_run.release, backup=host_run.backup, reached=True)
    store.write(host_run.remote, host_run.paths, host_run.new)
