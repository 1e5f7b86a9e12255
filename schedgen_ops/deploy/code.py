"""Step 1: the code of the release, and what is there before it, kept."""

from __future__ import annotations

from dataclasses import replace

from schedgen_ops.clock import stamp
from schedgen_ops.commands import git
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import as_found, images
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.deploy.resolving import resolve
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.preflight.code import unclear
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, State, new_id
from schedgen_ops.rollout.work_tree import CheckOut
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.secrets.env_file import EnvFile
from schedgen_ops.verify import run as verifier

# What runs before the first deploy, where no commit tells.
_FOUND = "as-found"
# Seconds that the network may take: the code, and that of submodules.
_LONG = 300.0


def keep_running(host_run: HostRun, run: str) -> None:
    """Make a release of what runs now, so that it can be gone back to, unless it is one already.

    Args:
        run: what begins every id that it gives.
    """
    if host_run.seen.shelf.serving is not None:
        host_run.old = host_run.seen.shelf.serving
        return
    if not host_run.seen.containers:
        return
    commit = host_run.seen.tree.commit
    name = ReleaseId(f"{new_id(run, commit, _FOUND)}-adopted")
    services, tracked = resolve(host_run, name, commit)
    services = as_found.keeping(host_run, services, tracked.ids)
    boxes = {box.service: box for box in host_run.seen.containers}
    running, spoken = host_run.seen.containers, images.ask_ports(host_run.context, services, None)
    described = images.describe(
        host_run.settings,
        host_run.host,
        services,
        name,
        None,
        tracked.ids,
        running,
        spoken,
        as_it_runs=True,
    )
    records = {
        service: replace(record, image_id=boxes[service].image)
        for service, record in described.items()
        if service in boxes
    }
    for record in records.values():
        host_run.run(host_run.docker.tag(record.image_id, record.image))
    images.pin(host_run, name, services, records)
    now = stamp(host_run.clock.now())
    branch = host_run.seen.tree.branch or commit[:7] or _FOUND
    host_run.old = Release(name, branch, commit, State.ADOPTED, started=now, finished=now, services=records)
    store.write(host_run.remote, host_run.paths, host_run.old)
    store.set_current(host_run.remote, host_run.paths, name)
    host_run.say(f"What runs now is kept as release {name}")


def fetch(host_run: HostRun, ref: Ref) -> str:
    """Return the commit that `ref` means, after the remote was asked.

    Raises:
        OpsError: if it means none, or two.
    """
    remote = host_run.settings.remote
    host_run.in_project(git.fetch(remote, ref), deadline=_LONG)
    answer = host_run.in_project(git.resolve(remote, ref)).stdout
    return meant(git.parse_resolved(answer), ref, remote, host_run.remote.name)


def meant(answer: str, ref: Ref, remote: str, host: str) -> str:
    """Return `answer`, where it is the commit that `ref` means.

    Raises:
        OpsError: otherwise.
    """
    problem = unclear(answer, ref, remote)
    if problem is not None:
        raise OpsError(problem.text, host=host, hint=problem.hint)
    return answer


def switch(host_run: HostRun, release: Release) -> None:
    """Begin the release's record, and check out its commit."""
    previous = host_run.old.id if host_run.old else NO_RELEASE
    host_run.new = replace(release, previous=previous)
    host_run.new = replace(host_run.new, migrations=_new_migrations(host_run))
    store.write(host_run.remote, host_run.paths, host_run.new)
    check_out(host_run)


def check_out(host_run: HostRun) -> None:
    """Check out the commit of the release, where it is one and there is a work tree."""
    if host_run.release.commit and host_run.settings.from_git:
        perform(host_run, ((_check_out(host_run),),))


def _check_out(host_run: HostRun) -> CheckOut:
    tree = host_run.seen.tree
    env = host_run.release.id if host_run.settings.delivered else NO_RELEASE
    return CheckOut(host_run.release.commit, (tree.commit, tree.branch), env)


def configure(host_run: HostRun, env: EnvFile) -> None:
    """Deliver the env file of the release, which keeps it; the way back has what was there."""
    serving = host_run.old.id if host_run.old else None
    host_run.run(secrets.deliver(host_run.settings, env, host_run.release.id, serving))
    found = f"{host_run.settings.env_file} is delivered"
    host_run.say(f"{found}: {len(env.values)} variables")


def switch_back(host_run: HostRun) -> None:
    """Put the work tree back as it was found; do nothing where no release was begun."""
    if host_run.new is not None:
        perform(host_run, (_check_out(host_run).inverse(),))


def try_hook(host_run: HostRun) -> None:
    """Try the hook that git runs after a checkout.

    Raises:
        Refused: otherwise, with what it says; nothing was changed.
    """
    if not host_run.seen.hook:
        return
    command = git.try_hook().in_dir(host_run.settings.directory)
    result = host_run.remote.run(command, deadline=_LONG, check=False)
    if not result.ok:
        said = git.complaint(result.stderr) or f"exit code {result.code}"
        raise Refused(
            f"the hook that git runs after a checkout fails: {said}",
            host=host_run.remote.name,
            detail=result.stderr.strip(),
            hint=f"It is {host_run.seen.hook}; `git checkout` in {host_run.settings.directory} runs it.",
        )


def _new_migrations(host_run: HostRun) -> tuple[str, ...]:
    migrations = host_run.settings.migrations
    if migrations is None or host_run.old is None or not (host_run.old.commit and host_run.release.commit):
        return ()
    command = git.added(host_run.old.commit, host_run.release.commit, migrations.path)
    return git.parse_paths(host_run.in_project(command).stdout)


def keep_logs(host_run: HostRun, *, aside: bool = False) -> None:
    """Keep the log patterns of the old release for comparison, while its containers are there."""
    if host_run.old is not None:
        verifier.keep_logs(host_run.context, host_run.old.id, aside=aside)
