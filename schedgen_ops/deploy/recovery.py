"""After a run that was killed: the host as the release that serves has it, and nothing left of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schedgen_ops.backup.catalog import remote_commands as backup
from schedgen_ops.backup.restore import half
from schedgen_ops.deploy import again, first_start, images, naming, schema, services, standby
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.errors import OpsError
from schedgen_ops.release import store
from schedgen_ops.release.record import Release
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Settings
from schedgen_ops.verify.serving import wrong

HALF = "what an interrupted run had left is put right in part"


def unlimited(settings: Settings) -> Settings:
    """Return `settings` that ask for no free space: what frees a full disk is not refused for want of it."""
    limits = settings.limits.model_copy(update={"disk_free_gb": 0})
    return settings.model_copy(update={"limits": limits})


def _data_back(host_run: HostRun, release: Release) -> None:
    """The database that a rollback exchanged, or was about to, in its place again."""
    if not release.restored:
        return
    restore = half.begun(host_run.context, release.restored)
    restore.back()
    restore.drop()


def recover(host_run: HostRun) -> None:
    """Take back what an interrupted run left on a host, if anything.

    Safe to run again: what it cannot finish now, the next one finds again.
    """
    serving = host_run.seen.shelf.serving
    standby.end(host_run.remote, host_run.settings)
    host_run.in_project(backup.sweep(host_run.settings.backup.directory))
    again.start(host_run)
    if serving is None:
        first_start.recover(host_run)
        return
    host_run.old = serving
    if host_run.seen.shelf.written != serving.id:
        host_run.warn(
            f"The file that names what serves said nothing: it is {serving.id}, the only one that ever did"
        )
        store.set_current(host_run.remote, host_run.paths, serving.id)
        host_run.righted = f"{serving.id} is named as what serves"
    begun = host_run.seen.shelf.unfinished
    # A release of images has no commit, and what is deployed from images no work tree.
    home = serving.commit if host_run.seen.tree.commit else ""
    if begun or (home and host_run.seen.tree.commit != home):
        host_run.warn(
            f"An earlier run was interrupted: {', '.join(r.id for r in begun) or 'its code is here'}"
        )
        host_run.righted = HALF
        # On a full disk nothing works before something is gone; what containers use stays for now.
        for host_run.new in begun:
            images.drop(host_run)
        env = tuple(release.id for release in begun) if host_run.settings.delivered else ()
        perform(host_run, ((GoBack(home, env=env),),))
        if home:
            tree = replace(host_run.seen.tree, commit=home, branch="")
            host_run.seen = replace(host_run.seen, tree=tree)
    for release in begun:
        schema.remove_one_off(host_run, release.id)
        schema.migrate_again(host_run, release, serving)
        _data_back(host_run, release)
    services.put_right(host_run, serving, begun)
    for release in begun:
        host_run.new = release
        images.drop(host_run)
        services.close_cut_off(host_run, release)
    if begun:
        # One that had served, and is gone back from, has them.
        _named(host_run, serving)
        _tell(host_run, serving, begun)
    host_run.new = None
    if host_run.righted == HALF:
        ids = ", ".join(release.id for release in begun)
        host_run.righted = (
            f"{ids} was taken back" if ids else "what an interrupted run had left was put right"
        )


def _named(host_run: HostRun, serving: Release) -> None:
    """The owner's names for what serves; without them that serves as well."""
    try:
        naming.as_owner(host_run, serving)
    except OpsError as error:
        host_run.warn(f"what serves does not have its owner's names for images: {error.message}")


def _tell(host_run: HostRun, serving: Release, begun: Sequence[Release]) -> None:
    bad = wrong(host_run.context, scope.lasting(serving.services))
    for release in begun:
        if not bad:
            host_run.say(f"Release {release.id} is taken back; {serving.id} serves")
    for each in bad:
        text = f"{each.check}: {each.text}"
        host_run.warn(f"What was begun is taken back, and {serving.id} does not pass its checks: {text}")
