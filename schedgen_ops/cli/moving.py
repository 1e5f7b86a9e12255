"""What `inv swarm.plan` and `inv swarm.move` do with an operation."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops import events
from schedgen_ops.cli.policy import Consent
from schedgen_ops.cli.swarm import session_of
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.preflight.run import refused
from schedgen_ops.swarm import move_look
from schedgen_ops.swarm.move import move as assemble
from schedgen_ops.swarm.move_plan import MovePlan
from schedgen_ops.swarm.move_session import MoveSession
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Table


def plan(op: Operation, ref: Ref) -> None:
    """Show what a move takes.

    Raises:
        ConfigError: where the environment is on no Swarm, or its releases are images.
        Refused: where it cannot be moved, with all reasons.
    """
    _judged(op, _looked(op, ref))
    events.info(op.emit, f"It can be moved: inv swarm.move --branch {ref}")


def _looked(op: Operation, ref: Ref) -> MovePlan:
    if not op.settings.on_swarm:
        raise ConfigError("there is no Swarm to move to", hint="`orchestrator: swarm` in the config.")
    if not op.settings.from_git:
        text = "a move brings a commit, and releases are images here (`release.source`)"
        raise ConfigError(text, hint="A Swarm has it not yet: docs/limits.md.")
    if op.sign_in:
        op.sign_in()  # Once, before the hosts are asked in threads.
    found = move_look.look(op.nodes, op.context, ref)
    for table in _tables(found):
        op.ui.show(table)
    return found


def _judged(op: Operation, found: MovePlan) -> None:
    for problem in found.problems:
        if not problem.refuses:
            events.warn(op.emit, problem.text)
    if found.refusals:
        raise refused([(op.nodes.names[0], problem) for problem in found.refusals])


def _tables(found: MovePlan) -> Iterator[Table]:
    nodes = tuple((n.name, n.status, n.availability, n.manager or "worker", n.engine) for n in found.nodes)
    yield Table(
        ("Node", "Status", "Availability", "Manager", "Engine"), nodes, "Nodes", empty="There is none."
    )
    yield Table(("Host", "Registry"), found.registry, "Images", empty="No host could be asked.")
    yield Table(("Service", "A stack can be told of it"), found.services, "Services", empty="There is none.")
    stops = tuple((host, ", ".join(names)) for host, names in (found.stops or {}).items())
    yield Table(("Host", "Services"), stops, "Compose runs now, and is stopped", empty="It runs nothing.")
    volumes = tuple(
        (each.service, each.name, ", ".join(_place(*place) for place in each.places) or "none yet")
        for each in found.volumes
    )
    yield Table(("Service", "Volume", "Stays on"), volumes, "Data", empty="No service has a volume.")
    ports = tuple((port, ", ".join(hosts) or "no host", found.gates) for port, hosts in found.ports)
    columns = ("Port", "Compose has it on", "The ingress will have it on")
    yield Table(columns, ports, "Ports", empty="None is published.")
    if not found.refusals:
        yield Table(("What it means",), tuple((text,) for text in found.gap), "The gap")


def _place(host: str, size: str) -> str:
    return f"{host} ({size or 'size unknown'})"


def move(op: Operation, ref: Ref, force: str = "") -> None:
    """Move the project, after asking, and say how long the gap was.

    Raises:
        ConfigError: where the environment is on no Swarm, or its releases are images.
        Refused: where it cannot be moved, or the answer was no.
        OpsError: with the exit code that says what serves now.
    """
    found = _looked(op, ref)
    _judged(op, found)
    question = "Do you want to move it to the Swarm?"
    if not op.ui.confirm(question, *found.gap, yes=op.options.yes):
        raise Refused("nothing was changed")
    consent = Consent(op, ref, force.strip())
    owner = lock.myself(op.clock, "move", str(ref))
    told = (op.run, op.clock, op.emit, owner, op.patience, consent, op.vault)
    plain = Session(op.settings, op.fleet, ref, *told, veil=op.ui.veil)
    session = session_of(op, plain, MoveSession)
    run = assemble(session)
    op.begin(
        "move",
        "From Compose to the Swarm",
        (("Branch", str(ref)), ("Environment", op.settings.environment), *consent.told()),
        tuple((step.number, step.title) for step in run.steps),
    )
    consent.before()
    release = run()
    gap = _gap(session)
    facts = (("Release", release), ("Previous", session.previous), ("Backup", session.backups), ("Gap", gap))
    op.end("Move Complete", f"The Swarm serves {release}; {gap}", tuple(fact for fact in facts if fact[1]))


def _gap(session: MoveSession) -> str:
    seen = session.seen
    if seen is None or not seen.requests:
        return "the gap was not measured: no check has a URL"
    if not seen.failed:
        return "no request of ours failed"
    return f"the gap was {seen.gap:.1f} s, in which nobody was served"
