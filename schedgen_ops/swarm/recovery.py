"""After a run on a Swarm that was killed: the stack as the release that serves has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import images, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.deploy.recovery import HALF
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.errors import OpsError, Unreachable
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, State, served_in_order
from schedgen_ops.release.store import Shelf
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.swarm import reverting, rolling
from schedgen_ops.swarm.manager import MIGRATING


def recover(host_run: HostRun, data_back: Callable[[Release, Act], None]) -> None:
    """Take back what an interrupted run left, if anything. Safe to run again.

    Args:
        data_back: puts the database in its place again that a rollback exchanged, and does something before
            anybody uses it.
    """
    serving, begun = host_run.seen.shelf.serving, left(host_run.seen.shelf)
    host_run.old = serving
    # A release of images has no commit, and what is deployed from images no work tree.
    home = serving.commit if serving and host_run.seen.tree.commit else ""
    if serving and host_run.seen.shelf.written != serving.id:
        host_run.warn(
            f"The file that names what serves said nothing: it is {serving.id}, the only one that ever did"
        )
        store.set_current(host_run.remote, host_run.paths, serving.id)
        host_run.righted = f"{serving.id} is named as what serves"
    if begun or (home and host_run.seen.tree.commit != home):
        what = ", ".join(release.id for release in begun) or "its code is here"
        host_run.warn(f"An earlier run was interrupted: {what}")
        host_run.righted = HALF
        env = tuple(release.id for release in begun) if host_run.settings.delivered else ()
        perform(host_run, ((GoBack(home, env=env),),))
        if home:
            host_run.seen = replace(host_run.seen, tree=replace(host_run.seen.tree, commit=home, branch=""))
    for release in begun:
        host_run.new = release
        # A move that was interrupted has left no stack: who knows of Compose has removed it.
        if release.reached and not release.moves:
            _end_jobs(host_run, release)
            reverting.again(host_run)
            put = partial(_put, host_run, serving, release)
            if release.restored:
                data_back(release, put)
            else:
                put()
        images.drop(host_run)
        services.close_cut_off(host_run, release)
    host_run.new = None
    if host_run.righted == HALF:
        ids = ", ".join(release.id for release in begun)
        host_run.righted = (
            f"{ids} was taken back" if ids else "what an interrupted run had left was put right"
        )


def left(shelf: Shelf) -> tuple[Release, ...]:
    """Return the releases that a run left behind, the last one first: killed, or not taken back.

    A manager without a quorum cannot be told to take one back, and the others may have gone on with it.
    """
    broken = (
        each
        for each in served_in_order(shelf.releases)
        if each.state is State.BROKEN and each.reached and each.previous == shelf.current
    )
    return (*shelf.unfinished, *broken)


def _put(host_run: HostRun, serving: Release | None, release: Release) -> None:
    """Put services back. What was told, and is not well, keeps no deploy that may mend it from beginning."""
    try:
        rolling.put(host_run, serving, [*release.services, INGRESS], release)
    except (Unreachable, rolling.Untold):
        raise
    except OpsError as error:
        if release.state is not State.BROKEN:
            raise
        host_run.warn(f"{release.id} is taken back, and what serves is not well: {error.message}")


def _end_jobs(host_run: HostRun, release: Release) -> None:
    """A job that its run did not live to see the end of is nobody's any more."""
    jobs = {MIGRATING, *(name for name in release.services if rolling.ends(release, name))}
    reverting.end(host_run, jobs)
