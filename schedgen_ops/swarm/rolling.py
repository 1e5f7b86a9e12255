"""Services of a stack brought to what a release says, put back to what the one before said, or removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.commands.swarm import STAY, Rolled, StackCommands
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.host_context import QUICK
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout.grouping import some, waves
from schedgen_ops.swarm.manager import brought, commands, folder

# Seconds in which containers that are removed end by themselves, at most.
_REMOVED = 180
_HINT = "`inv logs SERVICE` tells what it wrote, `inv status` how each service stands."


def order(records: Mapping[str, ServiceRecord], names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return services in groups: what others need comes first."""
    here = [name for name in names if name in records]
    return waves(some(records, here)) if here else ()


def bring(host_run: HostRun, names: Iterable[str], beside: Sequence[str] = (), stay: int = STAY) -> None:
    """Bring services to what the release says, what others need first, and wait until each is well.

    Args:
        beside: what is brought with the first of them, and needs none.
        stay: seconds that what was not there before has to stay up.

    Raises:
        OpsError: for the first that is not; those after it are not begun.
    """
    release = host_run.release
    for group in order(release.services, names):
        for job in (name for name in group if ends(release, name)):
            run_job(host_run, job, host_run.settings.rollout.job_deadline)
        if lasting := [*beside, *(name for name in group if not ends(release, name))]:
            together(host_run, lasting, stay)
            beside = ()
    if beside:
        together(host_run, beside, stay)


def together(host_run: HostRun, names: Sequence[str], stay: int = STAY) -> None:
    """Bring services to what the release says at once, and wait until all are well."""
    # Before it is begun: whatever becomes of it is taken back.
    host_run.touched += [name for name in names if name not in host_run.touched]
    _kept(host_run, names, roll(host_run, host_run.release, names, stay))


def ends(release: Release, name: str) -> bool:
    """Return whether a service of a release is a job."""
    return name in release.services and release.services[name].strategy == "job"


def _kept(host_run: HostRun, names: Sequence[str], rolled: Sequence[Rolled]) -> None:
    """What had this definition before, and is well, needs no way back."""
    same = {each.service for each in rolled if not each.changed}
    host_run.touched[:] = [name for name in host_run.touched if name not in same]
    for name in names:
        host_run.say(f"Service {name} {'had not changed' if name in same else 'is replaced, and well'}")


def roll(host_run: HostRun, release: Release, names: Sequence[str], stay: int = STAY) -> tuple[Rolled, ...]:
    """Bring services to what a release says, and wait until all are well.

    Args:
        stay: seconds that what was not there before has to stay up.

    Raises:
        OpsError: naming those that are not, and why.
    """
    limit = longest(host_run, release, names)
    command = commands(host_run.context).roll(folder(host_run.paths, release.id), names, limit, stay)
    rolled, error = brought(host_run.context, command, limit + 3 * QUICK)
    if error is None:
        return rolled
    bad = [each for each in rolled if not each.well]
    raise (_failed(host_run, bad, limit) if bad else _refused(host_run, error)) from error


def longest(host_run: HostRun, release: Release, names: Sequence[str]) -> int:
    """Return the seconds in which services have to be well."""
    settings = host_run.settings
    nodes = len(settings.hosts) // settings.rollout.at_once(len(settings.hosts)) if INGRESS in names else 1
    return settings.health.deadline * max(1, nodes, _most(release, names))


def _most(release: Release, names: Iterable[str]) -> int:
    """They are replaced one container after the other."""
    return max((release.services[name].replicas for name in names if name in release.services), default=1)


def _failed(host_run: HostRun, bad: Sequence[Rolled], limit: int) -> OpsError:
    first = next((each for each in bad if each.how == "bad"), bad[0])
    text = f"is not well after {limit} s" if first.how == "late" else "does not get well"
    return OpsError(
        f"service {first.service} {text}: {first.text}",
        host=host_run.remote.name,
        detail="\n".join(f"{each.service}: {each.text}" for each in bad),
        hint=_HINT,
    )


class Untold(OpsError):
    """A manager did not take what it was told."""


def _refused(host_run: HostRun, error: CommandFailed) -> Untold:
    """Why a manager did not take what it was told; without a quorum none does."""
    why = (error.detail.strip().splitlines() or [error.message])[-1]
    hint = "`inv status` tells which managers there are. Once they see one another, `inv deploy.recover`."
    return Untold(f"the Swarm was not told: {why}", host=host_run.remote.name, detail=error.detail, hint=hint)


def run_job(host_run: HostRun, service: str, limit: int) -> None:
    """Run a service of the release to its end, before what needs it.

    Raises:
        OpsError: where it does not end well in time.
    """
    path = f"{folder(host_run.paths, host_run.release.id)}/{service}.json"
    command = commands(host_run.context).job(path, service, limit)
    host_run.stream(command, limit + 2 * QUICK, f"Service {service}")


def settled(host_run: HostRun) -> None:
    """Wait until what was replaced has stayed up for `health.settle` seconds.

    Raises:
        OpsError: as soon as one died.
    """
    seconds = host_run.settings.health.settle
    if not (seconds and host_run.touched):
        return
    stack: StackCommands = commands(host_run.context)
    command = host_script(
        "swarm/settle",
        title="wait for what was replaced to stay up",
        docker=stack.docker.words,
        stack=stack.stack,
        services=host_run.touched,
        seconds=seconds,
    )
    answer = host_run.remote.run(command, deadline=2 * seconds + QUICK, check=False)
    if not answer.ok:
        why = (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]
        raise OpsError(
            f"a service was well and did not stay so: {why}", host=host_run.remote.name, hint=_HINT
        )


def back(host_run: HostRun) -> None:
    """Put what the release touched back as the one before had it; all of the stack goes where nothing ran.

    Raises:
        OpsError: naming what is not well afterwards.
    """
    if host_run.new is None or not host_run.touched:
        return
    put(host_run, host_run.old, host_run.touched, host_run.new)
    host_run.touched.clear()


def put(host_run: HostRun, release: Release | None, names: Iterable[str], other: Release) -> None:
    """Bring services to what `release` says, all at once; those that only `other` has are removed.

    They ran together before: none has to wait for another.

    Args:
        release: None where nothing ran before: all of the stack goes.

    Raises:
        OpsError: naming what is not well afterwards.
    """
    if release is None:
        remove(host_run, ())
        return
    kept, gone = parted(release, names, other)
    # What leads to the others is there as long as they are.
    if kept:
        roll(host_run, release, kept)
    if gone:
        remove(host_run, gone)


def parted(release: Release, names: Iterable[str], other: Release) -> tuple[list[str], list[str]]:
    """Return the services that go back to what `release` says, and those that only `other` has."""
    touched = [name for name in names if not ends(other, name)]
    kept = [name for name in touched if has(release, name)]
    return kept, [name for name in touched if name not in kept]


def texts_back(host_run: HostRun) -> tuple[tuple[str, ...], int]:
    """Return `back` for a manager that does it by itself: shell texts, one after another; and its seconds."""
    stack = StackCommands(host_run.docker, host_run.settings.project)
    if host_run.old is None:
        return (stack.remove((), _REMOVED).text,), _REMOVED
    kept, gone = parted(host_run.old, host_run.touched, host_run.release)
    limit = longest(host_run, host_run.old, kept)
    files = folder(host_run.paths, host_run.old.id)
    told = [stack.roll(files, kept, limit, STAY, alone=True).text] if kept else []
    told += [stack.remove(gone, _REMOVED).text] if gone else []
    return tuple(told), limit + _REMOVED


def remove(host_run: HostRun, names: Sequence[str]) -> None:
    """Remove services, and the whole stack without any; wait until their containers have ended."""
    command = commands(host_run.context).remove(names, _REMOVED)
    host_run.run(command, deadline=_REMOVED + QUICK)


def has(release: Release, name: str) -> bool:
    """Return whether a release has a service; its ingress is in no record."""
    if name != INGRESS:
        return name in release.services
    return any(record.proxies for record in release.services.values())
