"""What `inv ops` does with an operation: looks, asks, works under the lock, says what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schedgen_ops import events, strangers
from schedgen_ops.cli import halves
from schedgen_ops.cli.choosing import named
from schedgen_ops.cli.locking import awaited, locked
from schedgen_ops.cli.looking import Rows
from schedgen_ops.commands import docker as engine
from schedgen_ops.deploy import standby
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.ops import building, pulled, remote_commands, scaling, services
from schedgen_ops.release.paths import Paths, elsewhere
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation
from schedgen_ops.text import size
from schedgen_ops.ui.tables import Column

_PRUNING = 900.0
Work = Callable[[Remote], None]
_Found = tuple[dict[str, services.Boxes], tuple[str, ...], Fleet]
OnServices = Callable[[Remote, Settings, events.Emit, Sequence[str]], None]


def restart(op: Operation, wanted: str) -> None:
    """Restart services; done once every container was seen well.

    Raises:
        ConfigError: for a service that there is not.
        OpsError: where one does not become well.
    """
    _services(op, "restart", "Restarting", wanted, services.restart, "it does not answer for a moment")


def stop(op: Operation, wanted: str) -> None:
    """Stop services until they are started again.

    Raises:
        ConfigError: for a service that there is not.
    """
    _services(op, "stop", "Stopping", wanted, services.stop, "it does not answer until it is started again")


def start(op: Operation, wanted: str) -> None:
    """Start what is stopped or has no container; done once every container was seen well.

    Raises:
        ConfigError: for a service that there is not.
        OpsError: where one does not become well.
    """
    _services(op, "start", "Starting", wanted, services.start, "")


def _services(op: Operation, verb: str, title: str, wanted: str, action: OnServices, gap: str) -> None:
    settings = op.settings
    if settings.on_swarm:
        from schedgen_ops.cli import ops_swarm

        ops_swarm.work(op, verb, title, wanted, gap)
        return
    found, names, fleet = _looked(op, wanted)
    notes = tuple(
        f"{host}: {name}, {_many(len(found[host][name]))}{': ' + gap if gap else ''}"
        for host in fleet.names
        for name in names
        if name in found[host]
    )
    if gap and not op.ui.confirm(f"{verb.capitalize()} {', '.join(names)}?", *notes, yes=op.options.yes):
        raise Refused("nothing was changed")
    text = f"{title} {', '.join(names)}"

    def work(remote: Remote) -> None:
        action(remote, settings, op.emit, names)

    change(op, f"ops.{verb}", text, work, fleet, counts=True)


def _looked(op: Operation, wanted: str, most: int | None = None) -> _Found:
    """What is there of the services that are wanted, once nobody is at work on their hosts."""
    named(wanted.split(","))

    def look() -> _Found:
        found = op.fleet.each(lambda remote: services.there(remote, op.settings)).values()
        boxes = dict(zip(op.fleet.names, found, strict=True))
        known = tuple(dict.fromkeys(service for each in found for service in each))
        names = services.chosen(wanted, known)[:most]
        return boxes, names, op.fleet.only([host for host, each in boxes.items() if {*names} & {*each}])

    seen = look()
    return look() if awaited(op, seen[2]) else seen


def _many(count: int) -> str:
    return "1 container" if count == 1 else f"{count or 'no'} containers"


def scale(op: Operation, wanted: str, count: str) -> None:
    """Bring a service to another number of containers; no visitor notices.

    Raises:
        ConfigError: for a service that there is not, or a number that is none.
        Refused: where it may have only one.
    """
    if op.settings.on_swarm:
        from schedgen_ops.cli import ops_swarm

        ops_swarm.scale(op, wanted, count)
        return
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= scaling.MOST):
        text = f"a service can have 1 to {scaling.MOST} containers, not {count!r}"
        raise ConfigError(text, hint="`inv ops.stop` stops it.")
    settings = op.settings
    _, (name,), fleet = _looked(op, wanted, most=1)
    fleet.each(lambda remote: scaling.allowed(remote, settings, name)).values()

    def work(remote: Remote) -> None:
        scaling.scale(remote, settings, op.emit, name, int(count))

    change(op, "ops.scale", f"Scaling {name} to {count}", work, fleet, counts=True)


def build(op: Operation, wanted: str, *, cache: bool) -> None:
    """Build images anew; what runs is not touched, the next deploy finds the layers.

    Where releases are images, those of the serving one are pulled again.

    Raises:
        ConfigError: for a service that the compose file does not have, or an empty name.
        OpsError: where a build fails.
    """
    names = () if wanted == building.ALL else named(wanted.split(","))
    awaited(op)
    op.fleet.each(lambda remote: building.known(remote, op.settings, names)).values()

    if op.sign_in:
        op.sign_in()

    def work(remote: Remote) -> None:
        if op.settings.from_git:
            building.build(remote, op.settings, op.emit, names, cache=cache)
        else:
            pulled.again(op.context(remote), names)

    what = "Building" if op.settings.from_git else "Pulling"
    change(op, "ops.build", f"{what} {wanted}", work)


def prune(op: Operation) -> None:
    """Remove the build cache, images without a name and old logs, once they were shown and agreed to.

    Raises:
        Refused: when the answer was no.
    """
    docker = engine.Docker(op.settings.sudo)

    def survey(remote: Remote) -> remote_commands.Waste:
        answer = remote.run(remote_commands.waste(docker, _state(op, remote)), deadline=300)
        return remote_commands.parse_waste(answer.stdout)

    first = op.nodes.only(op.nodes.names[:1]) if op.settings.on_swarm else None
    awaited(op, first)
    if first:
        _leave_out_lost(op)
    found = op.fleet.each(survey).by_host()
    rows = Rows(op, ("Host", "What", Column("Count", right=True), "Size"))
    for host, waste in found.items():
        logs = sum(count for count, _ in waste.logs)
        rows.add(
            [
                (host, "build cache", None, waste.cache),
                (host, "images without a name", waste.dangling, None),
                (host, f"logs older than {remote_commands.OLD_DAYS} days", len(waste.logs), size(logs)),
            ]
        )
    note = "Volumes, containers, and images with a name stay."
    if first:
        note += " Images that a node pulled and that do not run there go, and are pulled again when needed."
    if not op.ui.confirm("Remove these?", note, yes=op.options.yes):
        raise Refused("nothing was removed")

    def work(remote: Remote) -> None:
        answer = remote.run(remote_commands.prune(docker, _state(op, remote)), deadline=_PRUNING)
        events.info(op.emit, "; ".join(answer.lines()) or "nothing was there to remove", remote.name)

    change(op, "ops.prune", "Making room", work, locks=first)


def _leave_out_lost(op: Operation) -> None:
    """A node that does not answer is told of and left out, not the others with it."""
    asked = op.fleet.each(lambda remote: remote.run(sh("true"), deadline=60))
    if not asked.ok:
        raise next(iter(asked.errors.values()))
    op.left_out |= {name: str(error) for name, error in asked.errors.items()}
    op.fleet = op.fleet.only(tuple(asked.ok))


def _state(op: Operation, remote: Remote) -> str:
    """Our folder of state on a host; nodes of a Swarm but the first have it in the home of who signs in."""
    if op.settings.on_swarm and remote.name != op.nodes.names[0]:
        return elsewhere(op.settings.project).state
    return Paths(op.settings.directory).state


def change(
    op: Operation,
    command: str,
    title: str,
    work: Work,
    fleet: Fleet | None = None,
    *,
    counts: bool = False,
    locks: Fleet | None = None,
) -> None:
    """One change on hosts, all at once, under the lock, on nobody's containers but ours.

    Args:
        locks: who has the lock of these hosts, where they have none of their own.
        counts: whether Compose counts containers in it: what stands by would be one too many, and goes.
    """
    hosts = op.fleet if fleet is None else fleet
    op.begin(command, title, steps=(("", title),))
    everywhere = hosts.everywhere(work)
    locking = hosts if locks is None else locks
    with locked(op, locking, command, title):
        strangers.refuse_all(locking, op.context)
        halves.refuse(op, locking)
        if counts and op.settings.rollout.standby:
            hosts.each(lambda remote: standby.end(remote, op.settings)).values()
        StepRunner(op.emit, op.clock).run((Step("", title, everywhere, gate=True, lasting=True),))
    op.end("Done", title)
