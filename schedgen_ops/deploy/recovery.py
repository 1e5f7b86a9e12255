"""After a run that was killed: the host as the release that serves has it, and nothing left of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schedgen_ops.backup.catalog import remote_commands as backup
from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.create.run import catalog
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.clock import stamp
from schedgen_ops.deploy import again, images, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, State
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Settings
from schedgen_ops.verify.serving import wrong

HALF = "what an interrupted run had left is put right in part"


def unlimited(settings: Settings) -> Settings:
    """Return `settings` that ask for no free space: what frees a full disk is not refused for want of it."""
    limits = settings.limits.model_copy(update={"disk_free_gb": 0})
    return settings.model_copy(update={"limits": limits})


def _data_back(site: HostRun, release: Release) -> None:
    """The database that a rollback exchanged, or was about to, in its place again."""
    if not release.restored:
        return
    name, stamp = release.restored
    held = selection.named(catalog(site.context), name, site.remote.name)
    restore = Restore(site.context, held, DATABASE, stamp)
    restore.back()
    restore.drop()


def recover(site: HostRun) -> None:
    """Take back what an interrupted run left on a host, if anything.

    Safe to run again: what it cannot finish now, the next one finds again.
    """
    serving = site.seen.shelf.serving
    site.in_project(backup.sweep(site.settings.backup.directory))
    again.start(site)
    if serving is None:
        return
    site.old = serving
    if site.seen.shelf.written != serving.id:
        site.warn(
            f"The file that names what serves said nothing: it is {serving.id}, the only one that ever did"
        )
        store.set_current(site.remote, site.paths, serving.id)
        site.righted = f"{serving.id} is named as what serves"
    begun = site.seen.shelf.unfinished
    if begun or site.seen.tree.commit != serving.commit:
        site.warn(f"An earlier run was interrupted: {', '.join(r.id for r in begun) or 'its code is here'}")
        site.righted = HALF
        # On a full disk nothing works before something is gone; what containers use stays for now.
        for site.new in begun:
            images.drop(site)
        env = tuple(release.id for release in begun) if site.settings.delivered else ()
        perform(site, ((GoBack(serving.commit, env=env),),))
        site.seen = replace(site.seen, tree=replace(site.seen.tree, commit=serving.commit, branch=""))
    for release in begun:
        images.remove_one_off(site, release.id)
        images.migrate_again(site, release, serving)
        _data_back(site, release)
    services.put_right(site, serving, begun)
    for release in begun:
        site.new = release
        images.drop(site)
        error = "interrupted, and taken back later"
        closed = replace(release, state=State.FAILED, error=error, finished=stamp(site.clock.now()))
        store.write(site.remote, site.paths, closed)
    if begun:
        _tell(site, serving, begun)
    site.new = None
    if site.righted == HALF:
        ids = ", ".join(release.id for release in begun)
        site.righted = f"{ids} was taken back" if ids else "what an interrupted run had left was put right"


def _tell(site: HostRun, serving: Release, begun: Sequence[Release]) -> None:
    bad = wrong(site.context, serving.services)
    for release in begun:
        if not bad:
            site.say(f"Release {release.id} is taken back; {serving.id} serves")
    for each in bad:
        text = f"{each.check}: {each.text}"
        site.warn(f"What was begun is taken back, and {serving.id} does not pass its checks: {text}")
