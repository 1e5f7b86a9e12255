"""Step 1: the code of the release, and what is there before it, kept."""

from __future__ import annotations

from dataclasses import replace

from schedgen_ops.clock import stamp
from schedgen_ops.commands import git
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import images
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.preflight.code import unclear
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, State, new_id
from schedgen_ops.rollout.work_tree import CheckOut
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.secrets.env_file import EnvFile
from schedgen_ops.verify import run as verifier

# Seconds that the network may take: the code, and that of submodules.
_LONG = 300.0


def keep_running(site: HostRun, run: str) -> None:
    """Make a release of what runs now, so that it can be gone back to, unless it is one already.

    Args:
        run: what begins every id that it gives.
    """
    if site.seen.shelf.serving is not None:
        site.old = site.seen.shelf.serving
        return
    if not site.seen.containers:
        return
    commit = site.seen.tree.commit
    name = ReleaseId(f"{new_id(run, commit)}-adopted")
    services, tracked = images.resolve(site, name, commit)
    boxes = {box.service: box for box in site.seen.containers}
    described = images.describe(site.settings, site.host, services, name, None, tracked)
    records = {
        service: replace(record, image_id=boxes[service].image)
        for service, record in described.items()
        if service in boxes
    }
    for record in records.values():
        site.run(site.docker.tag(record.image_id, record.image))
    images.pin(site, name, services, records)
    now = stamp(site.clock.now())
    branch = site.seen.tree.branch or commit[:7]
    site.old = Release(name, branch, commit, State.ADOPTED, started=now, finished=now, services=records)
    store.write(site.remote, site.paths, site.old)
    store.set_current(site.remote, site.paths, name)
    site.say(f"What runs now is kept as release {name}")


def fetch(site: HostRun, ref: Ref) -> str:
    """Return the commit that `ref` means, after the remote was asked.

    Raises:
        OpsError: if it means none, or two.
    """
    remote = site.settings.remote
    site.in_project(git.fetch(remote, ref), deadline=_LONG)
    answer = site.in_project(git.resolve(remote, ref)).stdout
    return meant(git.parse_resolved(answer), ref, remote, site.remote.name)


def meant(answer: str, ref: Ref, remote: str, host: str) -> str:
    """Return `answer`, where it is the commit that `ref` means.

    Raises:
        OpsError: otherwise.
    """
    problem = unclear(answer, ref, remote)
    if problem is not None:
        raise OpsError(problem.text, host=host, hint=problem.hint)
    return answer


def switch(site: HostRun, release: Release) -> None:
    """Begin the release's record, and check out its commit."""
    previous = site.old.id if site.old else NO_RELEASE
    site.new = replace(release, previous=previous)
    site.new = replace(site.new, migrations=_new_migrations(site))
    store.write(site.remote, site.paths, site.new)
    check_out(site)


def check_out(site: HostRun) -> None:
    """Check out the commit of the release."""
    perform(site, ((_check_out(site),),))


def _check_out(site: HostRun) -> CheckOut:
    tree = site.seen.tree
    env = site.release.id if site.settings.delivered else NO_RELEASE
    return CheckOut(site.release.commit, (tree.commit, tree.branch), env)


def configure(site: HostRun, env: EnvFile) -> None:
    """Deliver the env file of the release, which keeps it; the way back has what was there."""
    serving = site.old.id if site.old else None
    site.run(secrets.deliver(site.settings, env, site.release.id, serving))
    found = f"{site.settings.env_file} is delivered"
    site.say(f"{found}: {len(env.values)} variables")


def switch_back(site: HostRun) -> None:
    """Put the work tree back as it was found; do nothing where no release was begun."""
    if site.new is not None:
        perform(site, (_check_out(site).inverse(),))


def try_hook(site: HostRun) -> None:
    """Try the hook that git runs after a checkout.

    Raises:
        Refused: otherwise, with what it says; nothing was changed.
    """
    if not site.seen.hook:
        return
    command = git.try_hook().in_dir(site.settings.directory)
    result = site.remote.run(command, deadline=_LONG, check=False)
    if not result.ok:
        said = git.complaint(result.stderr) or f"exit code {result.code}"
        raise Refused(
            f"the hook that git runs after a checkout fails: {said}",
            host=site.remote.name,
            detail=result.stderr.strip(),
            hint=f"It is {site.seen.hook}; `git checkout` in {site.settings.directory} runs it.",
        )


def _new_migrations(site: HostRun) -> tuple[str, ...]:
    migrations = site.settings.migrations
    if migrations is None or site.old is None:
        return ()
    command = git.added(site.old.commit, site.release.commit, migrations.path)
    return git.parse_paths(site.in_project(command).stdout)


def keep_logs(site: HostRun, *, aside: bool = False) -> None:
    """Keep the log patterns of the old release for comparison, while its containers are there."""
    if site.old is not None:
        verifier.keep_logs(site.context, site.old.id, aside=aside)
