"""What `inv deploy.preflight` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedgen_ops.checklist import run
from schedgen_ops.checklist.boxes import BOXES, Box, Mark, Tick
from schedgen_ops.checklist.run import Filled
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.cli.policy import Consent
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.preflight.run import refused
from schedgen_ops.remote import Result
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Column, Table

_POLICY = Box("Code preparation", "It may be deployed here and now", ("policy",))
_FIRST = "Mend that first, then look again."
_COLUMNS = (Column("", key="mark"), "Box", "Host", "What was seen", "What to do")


def preflight(op: Operation, ref: Ref) -> None:
    """Show the checklist before a deploy of `ref` on all hosts.

    Raises:
        Refused: where a deploy would not begin.
        Unreachable: where a host cannot be asked; the others are shown.
    """
    vault = op.vault
    if vault:
        vault.fetched()  # Once, before the hosts are asked in threads.
    if op.sign_in:
        op.sign_in()
    engine = op.builder.engine() if op.builder else None
    # A box is one line for all hosts that agree: nothing is shown before all have answered.
    saved = _saved(op)
    seen = look(op, lambda remote: run.look(op.context(remote), ref, vault, engine, saved))
    policy = _policy(op, ref, seen.ok)
    for table in _tables(seen.ok, policy, len(op.fleet)):
        op.ui.show(table)
    conclude(seen, *_refusals(seen.ok, policy))


def _saved(op: Operation) -> Result | None:
    """What the node of a Swarm that has the database says of its backups; hosts of Compose have their own."""
    if not (op.settings.on_swarm and op.settings.stores):
        return None
    from schedgen_ops.cli import placing

    return placing.catalog(op)


def _policy(op: Operation, ref: Ref, filled: Mapping[str, Filled]) -> Tick:
    """What the environment asks of the ref, once the hosts said which commit it is."""
    consent = Consent(op, ref)
    known = {host: one.seen for host, one in filled.items() if one.seen}
    unasked = [host for host in op.fleet.names if host not in known] if consent.of_hosts else []
    try:
        consent.before()
        if known:
            consent(known)
    except Refused as error:
        return Tick(_POLICY, Mark.FAILED, (Problem(error.message, error.hint),))
    except OpsError as error:
        return Tick(_POLICY, Mark.UNKNOWN, (Problem(error.message, error.hint, unknown=True, refuses=False),))
    if unasked:
        text = f"not asked for {', '.join(unasked)}, where another box failed or nothing was seen"
        return Tick(_POLICY, Mark.UNKNOWN, (Problem(text, _FIRST, unknown=True, refuses=False),))
    return Tick(_POLICY, Mark.PASSED, seen="nothing speaks against it")


def _tables(filled: Mapping[str, Filled], policy: Tick, hosts: int) -> Iterator[Table]:
    """One table for each of the runbook's sections, of so many hosts; some may not have answered."""
    sections = dict.fromkeys(box.section for box in BOXES)
    for number, section in enumerate(sections, start=1):
        rows = [_row(policy, "")] if section == policy.box.section else []
        for box in (box for box in BOXES if box.section == section):
            rows += _box(box, filled, hosts)
        yield Table(_COLUMNS, tuple(rows), f"{number}. {section}")


def _box(box: Box, filled: Mapping[str, Filled], hosts: int) -> Iterator[tuple[str, ...]]:
    """One line where all hosts agree, else one a host."""
    found = [(host, tick) for host, one in filled.items() for tick in one.ticks if tick.box == box]
    together: dict[tuple[Mark, str, str], list[tuple[str, Tick]]] = {}
    for host, tick in found:
        together.setdefault((tick.mark, tick.text, tick.fix), []).append((host, tick))
    for group in together.values():
        everywhere = len(group) == hosts
        yield _row(group[0][1], "" if everywhere else ", ".join(host for host, _ in group))


def _row(tick: Tick, host: str) -> tuple[str, ...]:
    fix = "" if tick.mark is Mark.PASSED else tick.fix
    return (tick.mark.value, tick.box.title, host, tick.text, fix)


def _refusals(filled: Mapping[str, Filled], policy: Tick) -> Iterator[OpsError]:
    bad = [(host, problem) for host, one in filled.items() for problem in one.refusals]
    bad += [("", problem) for problem in policy.problems if problem.refuses]
    if bad:
        yield refused(bad)
