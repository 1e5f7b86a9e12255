"""After a run on a Swarm that was killed: the stack as the release that serves has it."""

from __future__ import annotations

from dataclasses import replace

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import images, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.deploy.recovery import HALF
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.swarm import rolling


def recover(host_run: HostRun) -> None:
    """Take back what an interrupted run left, if anything. Safe to run again."""
    serving, begun = host_run.seen.shelf.serving, host_run.seen.shelf.unfinished
    host_run.old = serving
    home = serving.commit if serving else ""
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
        if release.reached:
            rolling.put(host_run, serving, [*release.services, INGRESS], release)
        images.drop(host_run)
        services.close_cut_off(host_run, release)
    host_run.new = None
    if host_run.righted == HALF:
        ids = ", ".join(release.id for release in begun)
        host_run.righted = (
            f"{ids} was taken back" if ids else "what an interrupted run had left was put right"
        )
