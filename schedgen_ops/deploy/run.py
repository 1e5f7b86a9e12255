"""The deploy on every host, step by step."""

from __future__ import annotations

from contextlib import suppress
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
from schedgen_ops.commands import git
from schedgen_ops.deploy import code, images, pipeline
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE
from schedgen_ops.steps import Step


def deploy(session: Session) -> Pipeline:
    """Return the pipeline of a deploy of the session's ref."""
    number = last(session)
    end = (pipeline.verification(session, number), pipeline.clean_up(session, number + 1))
    return Pipeline(session, (*until_verified(session), *end))


def last(session: Session) -> int:
    """Return the runbook's number of the verification, which comes after the tiers."""
    return 4 + max(1, len(session.settings.tiers))


def until_verified(session: Session) -> tuple[Step, ...]:
    """Return the steps before the verification, in the runbook's order and with its numbers.

    What does not apply to the hosts of the session is left out.
    """
    migrating, holders = _migrating(session), _holders(session)
    ingress, unmigrated = partial(pipeline.open_ingress, session), partial(_begin, session)
    return (
        pipeline.preflight(session, partial(_make_sure, session), pulls=True),
        *((_backup(session),) if holders else ()),
        Step("1", "Pulling latest code", partial(_pull, session), undo=session.undoing(code.switch_back)),
        Step("2", "Building containers", partial(_build, session), undo=session.undoing(images.drop)),
        *((_migrations(session), ingress()) if migrating else (ingress(unmigrated, waits=True),)),
        *pipeline.tiers(session, 4),
    )


def _holders(session: Session) -> set[str]:
    return session.among(session.settings.backup_hosts())


def _migrating(session: Session) -> set[str]:
    return session.among(session.settings.migrating_hosts())


def _make_sure(session: Session) -> None:
    """There is room for the backup, and git can move the work tree."""
    session.do(code.try_hook)
    session.do(_look_for_room, only=_holders(session))


def _backup(session: Session) -> Step:
    """A checked backup of database and objects, before anything changes."""

    def run() -> None:
        events.info(session.emit, "Creating backup before deployment")
        holders = _holders(session)
        at = host_time.together(session.fleet.only(tuple(holders)))
        session.do(partial(_back_up, at=at), only=holders)
        events.info(session.emit, "Pre-deployment backup completed successfully")

    return Step("0", "Pre-deployment backup", run, beside=True)


def _back_up(site: HostRun, *, at: datetime | None) -> None:
    kind, totals = Kind.PRE_DEPLOYMENT, site.totals
    made = backup.create(site.context, kind, _source(site), totals=totals, at=at)
    drill.when_due(site.context, made)
    push.after_backup(site.context, made)
    site.backup = f"{site.settings.backup.directory}/{made.id}"


def _pull(session: Session) -> None:
    """The same commit on every host."""
    session.do(lambda site: code.keep_running(site, session.name))
    ref = session.asked()
    fetched = session.locked().each(lambda remote: code.fetch(session.site(remote), ref))
    commits = fetched.values()
    if len(set(commits)) > 1:
        raise OpsError(f"the hosts do not agree on what {ref.name!r} is: {', '.join(commits)}")
    commit = commits[0]
    for site in session.sites if session.consent else ():
        if not commit.startswith(site.seen.means):
            text = f"{ref} moved on meanwhile: it was {site.seen.means[:12]} and is {commit[:12]}"
            raise OpsError(text, host=site.remote.name, hint="Look at it, and deploy again.")
    release = session.release(commit)
    session.do(lambda site: code.switch(site, release))
    if session.vault:
        env = session.vault.env()
        session.do(lambda site: code.configure(site, env))
    session.emit(events.Fact("release", release.id))
    session.emit(events.Fact("commit", commit))
    _tell_changes(session)
    there = all(site.seen.tree.commit == commit for site in session.sites)
    what = "The code is there already" if there else "Code updated successfully"
    events.info(session.emit, f"{what}: {ref} is {commit[:12]}")


def _tell_changes(session: Session) -> None:
    """The commits that the release brings, for the report and for the team."""
    first = session.sites[0]
    if first.old is None:
        return
    command = git.commits(first.old.commit, first.release.commit).in_dir(session.settings.directory)
    # A list that is late or cannot be had is no reason to take a release back.
    with suppress(CommandFailed):
        said = first.remote.run(command, deadline=60)
        session.emit(events.Fact("changes", said.lines()))


def _build(session: Session) -> None:
    """The release's images on every host."""
    session.do(images.build)
    built = any(site.built for site in session.sites)
    text = "Containers built successfully" if built else "Nothing to build: every image comes from elsewhere"
    events.info(session.emit, text)


def _migrations(session: Session) -> Step:
    """The schema, once a database; from here on there is a backup."""

    def run() -> None:
        session.do(_note_backup)
        migrate = partial(session.do, images.migrate, only=_migrating(session))
        at_once([migrate, partial(session.do, code.keep_logs)])
        added = sorted({name for site in session.sites for name in site.release.migrations})
        if added:
            session.emit(events.Fact("migrations", added))
        for name in added:
            events.info(session.emit, f"New migration: {name}")
        events.info(session.emit, "Migrations completed successfully")

    return Step("3", "Running database migrations", run, waits=True)


def _begin(session: Session) -> None:
    """What comes before the ingress where no migrations do."""
    session.do(_note_backup)
    session.do(code.keep_logs)


def _source(site: HostRun) -> backup.Source:
    serving = site.seen.shelf.serving
    commit = serving.commit if serving else site.seen.tree.commit
    return backup.Source(serving.id if serving else NO_RELEASE, commit, site.seen.containers)


def _look_for_room(site: HostRun) -> None:
    site.totals = capacity.ensured(site.context, _source(site))


def _note_backup(site: HostRun) -> None:
    if not site.backup:
        return
    site.new = replace(site.release, backup=site.backup)
    store.write(site.remote, site.paths, site.new)
