"""Steps 1 and 2 of a release that is a commit: its code, and what is built of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from schedgen_ops import events
from schedgen_ops.commands import git
from schedgen_ops.deploy import code, images, local_build
from schedgen_ops.deploy.build_machine import BuildMachine
from schedgen_ops.deploy.carrying import BuildingHost, Carrier
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout import scope
from schedgen_ops.steps import Step


def steps(session: Session) -> tuple[Step, ...]:
    """Return the steps that get the code, and build it."""
    return (
        pulling(session),
        Step("2", "Building containers", partial(_build, session), undo=partial(_drop, session)),
    )


def pulling(session: Session) -> Step:
    """Return the step that gets the code, the same on every host."""
    return Step("1", "Pulling latest code", partial(_pull, session), undo=session.undoing(code.switch_back))


def _pull(session: Session) -> None:
    """The same commit on every host."""
    session.do(lambda host_run: code.keep_running(host_run, session.name))
    ref = session.asked()
    fetched = session.locked().each(lambda remote: code.fetch(session.host_run(remote), ref))
    commits = fetched.values()
    if len(set(commits)) > 1:
        raise OpsError(f"the hosts do not agree on what {ref.name!r} is: {', '.join(commits)}")
    commit = commits[0]
    for host_run in session.host_runs if session.consent else ():
        if not commit.startswith(host_run.seen.means):
            text = f"{ref} moved on meanwhile: it was {host_run.seen.means[:12]} and is {commit[:12]}"
            raise OpsError(text, host=host_run.remote.name, hint="Look at it, and deploy again.")
    release = session.release(commit)
    session.do(lambda host_run: code.switch(host_run, release))
    if session.vault:
        env = session.vault.env()
        session.do(lambda host_run: code.configure(host_run, env))
    session.emit(events.Fact("release", release.id))
    session.emit(events.Fact("commit", commit))
    _tell_changes(session)
    there = all(host_run.seen.tree.commit == commit for host_run in session.host_runs)
    what = "The code is there already" if there else "Code updated successfully"
    events.info(session.emit, f"{what}: {ref} is {commit[:12]}")


def _tell_changes(session: Session) -> None:
    """The commits that the release brings, for the report and for the team."""
    first = session.host_runs[0]
    if first.old is None or not first.old.commit:
        return
    command = git.commits(first.old.commit, first.release.commit).in_dir(session.settings.directory)
    # A list that is late or cannot be had is no reason to take a release back.
    with suppress(CommandFailed):
        said = first.remote.run(command, deadline=60)
        session.emit(events.Fact("changes", said.lines()))


def _build(session: Session) -> None:
    """The release's images on every host."""
    first, *others = session.host_runs
    if session.builder:
        _build_here(session, session.builder, first, {host_run.remote.name for host_run in others})
    elif others and session.settings.build.once:
        _build_once(session, first, {host_run.remote.name for host_run in others})
    else:
        session.do(images.build)
    events.info(session.emit, images.told_built(session.host_runs))


def _build_once(session: Session, first: HostRun, others: set[str]) -> None:
    """Those that are built are built on the first host, for all of them."""
    settings = session.settings

    def for_all(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
        hosts = [settings.host(name) for name in others]
        theirs = {each.name for host in hosts for each in scope.on(host_run.services, settings, host)}
        images.build_here(host_run, records, theirs)

    session.do(partial(images.build, make=for_all), only={first.remote.name})
    with TemporaryDirectory(prefix="schedgen-") as folder:
        carrier = Carrier(BuildingHost(first), Path(folder))
        session.do(partial(images.build, make=carrier.take), only=others)


def _build_here(session: Session, at: BuildMachine, first: HostRun, others: set[str]) -> None:
    """Those that are built are built by this machine, as the first host would, for all of them."""
    settings, release = session.settings, first.release.id
    carrier = Carrier(local_build.BuiltHere(at, release), at.folder)

    def made_here(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
        hosts = [settings.host(name) for name in session.fleet.names]
        theirs = [each for host in hosts for each in scope.on(host_run.services, settings, host)]
        local_build.build(at, host_run, {each.image_of or each.name for each in theirs if each.built})
        carrier.take(host_run, records)

    session.do(partial(images.build, make=made_here), only={first.remote.name})
    if others:
        session.do(partial(images.build, make=carrier.take), only=others)
    local_build.keep(at, release)


def _drop(session: Session) -> None:
    if session.builder:
        begun = next((host_run.new for host_run in session.host_runs if host_run.new), None)
        local_build.drop(session.builder, begun.id if begun else None)
    session.undoing(images.drop)()
