"""Step 1 of a release whose images were built before: they are pulled, and nothing is built here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from schedgen_ops import events
from schedgen_ops.deploy import code, images
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release
from schedgen_ops.steps import Step


def steps(session: Session, make: Callable[[], None] | None = None) -> tuple[Step, ...]:
    """Return the step that pulls the images.

    Args:
        make: pulls them, and makes of the release what is brought; None does so on every host.
    """
    pull = make or partial(session.do, images.build)
    return (Step("1", "Pulling images", partial(_pull, session, pull), undo=session.undoing(_back)),)


def _pull(session: Session, pull: Callable[[], None]) -> None:
    """The same images on every host."""
    session.do(lambda host_run: code.keep_running(host_run, session.name))
    release = session.release("")
    session.do(partial(_begin, release=release))
    if session.vault:
        env = session.vault.env()
        session.do(lambda host_run: code.configure(host_run, env))
    session.emit(events.Fact("release", release.id))
    pull()
    _agree(session)
    came = _pulled(session.host_runs[0])
    session.emit(events.Fact("images", tuple(f"{name} {digest}" for name, digest in came.items())))
    for name, digest in came.items():
        events.info(session.emit, f"{name}: {release.branch} is {digest}")
    events.info(session.emit, f"Images pulled successfully: {release.branch}")


def _begin(host_run: HostRun, release: Release) -> None:
    host_run.new = replace(release, previous=host_run.old.id if host_run.old else NO_RELEASE)
    store.write(host_run.remote, host_run.paths, host_run.new)


def _back(host_run: HostRun) -> None:
    images.drop(host_run)
    code.switch_back(host_run)


def _pulled(host_run: HostRun) -> dict[str, str]:
    """The digest of each service whose image the release picked; its id where no registry gave one."""
    records, picked = host_run.release.services, {each.name for each in host_run.scope if each.picked}
    return {name: one.digest or one.image_id for name, one in records.items() if name in picked}


def _agree(session: Session) -> None:
    """Make sure that a tag did not move while hosts pulled it."""
    seen: dict[str, tuple[str, str]] = {}
    for host_run in session.host_runs:
        host = host_run.remote.name
        for service, digest in _pulled(host_run).items():
            first, there = seen.setdefault(service, (host, digest))
            if there != digest:
                text = (
                    f"the hosts do not agree on the image of {service}: {first} has {there}, {host} {digest}"
                )
                raise OpsError(text, hint="Its tag was moved meanwhile, or one of them has an old copy.")
