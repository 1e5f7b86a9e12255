"""The checklist filled on every host at once, in two round trips a host, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schedgen_ops import events
from schedgen_ops.checklist import arrival, arriving, reading
from schedgen_ops.checklist import look as coming_to
from schedgen_ops.checklist.boxes import Mark, Tick, ticks
from schedgen_ops.checklist.evidence import evidence
from schedgen_ops.commands import swarm
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.preflight import plan
from schedgen_ops.preflight.local_engine import LocalEngine
from schedgen_ops.preflight.probe import Problem, unknown
from schedgen_ops.preflight.run import refused
from schedgen_ops.remote import Result
from schedgen_ops.secrets.vault import Vault
from schedgen_ops.verify import run as verify
from schedgen_ops.watch.rules import CheckVerdict, Finding

# A new ref is fetched to be compared: that is what takes longest.
_DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Filled:
    """The checklist of one host; `seen` is None where a box failed, since then not all is known."""

    ticks: tuple[Tick, ...]
    seen: plan.Observed | None

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """What a deploy is refused for."""
        return tuple(problem for tick in self.ticks for problem in tick.problems if problem.refuses)


def look(
    at: HostContext,
    ref: Ref,
    vault: Vault | None = None,
    builder: LocalEngine | None = None,
    saved: Result | None = None,
    *,
    moves: bool = False,
) -> Filled:
    """Return the checklist of one host for a deploy of `ref`.

    Args:
        vault: the secrets that the deploy delivers; None where the env file is the host's own.
        builder: the engine of this machine, where that builds the images.
        saved: what another host said of its backups, where that has the data; None where this one is asked.
        moves: whether Compose may run the project where a Swarm is to.

    Raises:
        OpsError: where it cannot be asked.
    """
    settings, clock, host = at.settings, at.clock, at.entry
    probes = plan.probes(settings, host, ref, builder, moves=moves)
    more = reading.commands(settings, host, ref)
    sent = clock.now()
    known = vault if vault and not vault.fetched().wrong else None
    if known:
        more["secrets"] = known.question()
    commands = [*(probe.command for probe in probes.values()), *more.values()]
    answers = at.remote.together(commands, deadline=_DEADLINE)
    asked = reading.AskedHost(settings, host, sent, clock.now(), ref)
    results = dict(zip((*probes, *more), answers, strict=True))
    problems = plan.judged(probes, results)
    elsewhere = {"catalog": saved} if saved else {}
    said = {name: results[name] for name in more} | elsewhere
    read = reading.read(asked, said, plan.containers(results))
    problems |= read.problems
    told = evidence(results, ref) | read.evidence
    if not settings.from_git:
        problems["source"], told["source"] = _images(at, ref, results["coming"])
    if vault:
        problems["secrets"], told["secrets"] = arriving.judged(vault, host.name, results.get("secrets"))
    if moves:
        told["containers"] = "Compose runs the project, and is looked at by itself"
    elif settings.on_swarm:
        what = "what is backed up is looked for on all nodes" if settings.stores else "there is no data"
        told["containers"] = f"{what}; no container of Compose's is here"
    elif plan.blank(results):
        told["containers"] = "nothing runs yet: what there is is saved once it does, before it is changed"
    if problems.get("containers") is not None and results["containers"].ok and not moves:
        # By itself: what is timed has nothing of ours beside it. Which containers there are is known by now.
        name = "swarm" if settings.on_swarm else "containers"
        runs = not plan.blank(results) if settings.on_swarm else bool(results["containers"].stdout.strip())
        seen = {probes[name].command: results[name]}
        as_open = _with_its_ports(at, results[name]) if settings.on_swarm else at
        problems["serving"] = _serving(verify.quick(as_open, seen=seen)) if runs else ()
        told["serving"] = "" if runs else "nothing runs yet"
    asked_of = (*probes, *reading.topics(settings, said), *(("secrets",) if vault else ()), "serving")
    found = tuple(ticks(problems, told, asked_of))
    bad = any(tick.mark is Mark.FAILED for tick in found)
    return Filled(found, None if bad else plan.observed(results, ref))


def _with_its_ports(at: HostContext, answer: Result) -> HostContext:
    """A node of a Swarm, which is not asked at ports that are to answer nobody."""
    try:
        found = swarm.parse(answer.stdout, at.settings.project)
    except (ValueError, LookupError, TypeError):
        return at
    closed = found.me is not None and found.closed(found.me, at.settings.swarm.ingress_on)
    return replace(at, settings=at.settings.closed([at.name] if closed else ()))


def _images(at: HostContext, ref: Ref, answer: Result) -> tuple[tuple[Problem, ...], str]:
    """Whether the images of a release are where they are pulled from."""
    try:
        coming = coming_to.parse(at.settings, ref, answer)
        held = coming_to.ask_registry(at, coming)
        found = tuple(arrival.problems(at.settings, at.entry, coming, held))
    except (ValueError, LookupError, TypeError, AttributeError):
        return (unknown(f"whether the images of {ref} are there", answer),), ""
    return found, ", ".join(each.image for each in held) or f"{ref}, as it is on the host"


def _serving(findings: tuple[Finding, ...]) -> tuple[Problem, ...]:
    """What is not well now: a deploy may be what mends it, so it only warns."""
    return tuple(
        Problem(
            f"{finding.check} {finding.text}",
            "`inv doctor` looks for the cause.",
            refuses=False,
            unknown=finding.verdict is CheckVerdict.UNKNOWN,
        )
        for finding in findings
        if finding.verdict is not CheckVerdict.PASSED
    )


def check(
    fleet: Fleet,
    context: ContextOf,
    emit: events.Emit,
    ref: Ref,
    vault: Vault | None = None,
    builder: LocalEngine | None = None,
    *,
    moves: bool = False,
) -> Mapping[str, plan.Observed]:
    """Fill the checklist on every host, tell what is not passed, and return what was seen.

    Raises:
        Refused: if a box failed on any host, with all that failed on all.
        Unreachable: if one cannot be reached.
    """
    found = fleet.each(lambda remote: look(context(remote), ref, vault, builder, moves=moves)).by_host()
    for name, one in found.items():
        emit(events.Fact("checklist", tuple(map(_row, one.ticks)), name))
        for tick in one.ticks:
            _tell(emit, tick, name)
    bad = [(name, problem) for name, one in found.items() for problem in one.refusals]
    if bad:
        raise refused(bad)
    return {name: one.seen for name, one in found.items() if one.seen is not None}


def _row(tick: Tick) -> tuple[str, str, str, str, str]:
    return tick.box.section, tick.box.title, tick.mark.value, tick.text, tick.fix


def _tell(emit: events.Emit, tick: Tick, host: str) -> None:
    for problem in tick.problems:
        if problem.refuses:
            events.error(emit, problem.text, host)
        elif not tick.box.bears:
            events.warn(emit, problem.text, host)
