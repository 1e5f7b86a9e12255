"""Services replaced: part by part on all hosts, or host by host, each out of its load balancer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial

from schedgen_ops import events
from schedgen_ops.deploy import balancing, services
from schedgen_ops.deploy.host_run import HostRun, Share
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.probe.report import OUT
from schedgen_ops.settings import Settings, Tier
from schedgen_ops.steps import Step

TITLE = "Rolling update"
_NAMED = 3
Act = Callable[[], None]
Judge = Callable[[Session, tuple[str, ...]], Step]
"""Returns the step that judges the release on the hosts of these names, before others get it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is done with the services of each host in one go, and how that is taken back there.

    Attributes:
        number: the runbook's, "" where it has none.
    """

    number: str
    title: str
    bring: Share
    back: Share


def of_tier(tier: Tier) -> str:
    """Return the title of the step, or the part, that replaces the services of a tier."""
    return f"{TITLE} - {tier.name} services"


def canaries(settings: Settings, names: Sequence[str]) -> bool:
    """Return whether some of these hosts are updated before others to be judged."""
    return 0 < settings.rollout.canary_hosts < len(names)


def batches(settings: Settings, names: Sequence[str], *, judged: bool) -> tuple[tuple[str, ...], ...]:
    """Return the hosts whose turn comes together, once the ones before them were verified.

    There are none where each part goes over all hosts before the next one begins.

    Args:
        judged: whether there is somebody to judge canary hosts.
    """
    canary = judged and canaries(settings, names)
    if settings.balancer is None and not canary:
        return ()
    return settings.rollout.batches(names, canary=canary)


@dataclass(frozen=True)
class Rolling:
    """The parts of a release on every host of a session.

    Attributes:
        judge: judges canary hosts; None for none.
        settle: whether what was replaced on a host has to stay up for a while before the next one's turn.
        title: what is done with a host, before its name.
    """

    session: Session
    parts: tuple[Part, ...]
    judge: Judge | None = None
    settle: bool = True
    title: str = f"{TITLE} of"

    @cached_property
    def batches(self) -> tuple[tuple[str, ...], ...]:
        """See `batches`; they stay, also where hosts are left out later that do not answer."""
        session = self.session
        return batches(session.settings, session.fleet.names, judged=self.judge is not None)

    @cached_property
    def judged(self) -> bool:
        """Whether the first batch is one of canary hosts."""
        return self.judge is not None and canaries(self.session.settings, self.session.fleet.names)

    def ready(self) -> None:
        """Make sure that some host serves while each batch is out, and that there is a canary host.

        Raises:
            Refused: where that is not so.
        """
        balancer, here = self.session.balancer, {*self.session.fleet.names}
        if self.judged and not here & {*self.batches[0]}:
            first = ",".join(self.batches[0])
            raise Refused(
                "no canary host is left to judge the release on",
                host=first,
                hint=f"--skip {first} has the next ones be canary hosts.",
            )
        if balancer is not None:
            balancer.refuse_all_out({*batch} & here for batch in self.batches)

    def steps(
        self,
        before: Act | None = None,
        undone: Share | None = None,
        *,
        after: Act | None = None,
        waits: bool = False,
    ) -> tuple[Step, ...]:
        """Return the steps.

        Args:
            before: what comes first in the first of them.
            undone: takes that back on a host.
            after: what comes last in the last of them.
            waits: whether the first one begins when the steps beside it have ended.
        """
        session = self.session
        first, *others = self._by_batch() if self.batches else self._by_part()
        run: list[Act] = [partial(session.phase, "during"), first.run]
        undo = (first.undo, session.undoing(undone) if undone else None)
        first = replace(
            first,
            run=_in_turn(*([before] if before else []), *run),
            undo=_all(*filter(None, undo)),
            waits=waits,
        )
        *steps, last = (first, *others)
        return (*steps, replace(last, run=_in_turn(last.run, after)) if after else last)

    def _by_part(self) -> Iterator[Step]:
        session = self.session
        for part in self.parts:
            yield Step(
                part.number, part.title, partial(_everywhere, session, part), undo=session.undoing(part.back)
            )

    def _by_batch(self) -> Iterator[Step]:
        titles = tuple(part.title for part in self.parts)
        numbers = [part.number for part in self.parts if part.number]
        number = "-".join(dict.fromkeys((numbers[0], numbers[-1]))) if numbers else ""
        for place, hosts in enumerate(self.batches):
            batch = Batch(self, hosts, first=place == 0, last=place == len(self.batches) - 1)
            yield Step(number, batch.title, batch.bring, undo=batch.back, parts=titles)
            if place == 0 and self.judge is not None and self.judged:
                yield self.judge(self.session, hosts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Hosts whose services are replaced together: out of the load balancer, replaced, verified, put back."""

    rolling: Rolling
    hosts: tuple[str, ...]
    first: bool
    last: bool

    @property
    def title(self) -> str:
        """What the operator reads between `===`."""
        return f"{self.rolling.title} {', '.join(self.hosts[:_NAMED])}{self._more}"

    @property
    def _more(self) -> str:
        more = len(self.hosts) - _NAMED
        return f" and {more} more" if more > 0 else ""

    def bring(self) -> None:
        """Replace the services of these hosts, but those that are left out of the run."""
        self.rolling.session.do(self._bring, only={*self.hosts})

    def _bring(self, host_run: HostRun) -> None:
        balancer = self.rolling.session.balancer
        balancing.take_out(balancer, host_run)
        self._told(host_run)
        host_run.begun = True
        for part in self.rolling.parts:
            host_run.say(part.title)
            part.bring(host_run)
        services.verify(host_run, settle=self.rolling.settle)
        balancing.tried_back(balancer, host_run, wait=not self.last)
        self._told(host_run)

    def _told(self, host_run: HostRun) -> None:
        """Have the prober know whether visitors come to this host."""
        session, name = self.rolling.session, host_run.remote.name
        if session.balancer is not None:
            session.phase(OUT if name in session.balancer.out else "during", name)

    def back(self) -> None:
        """Put the services of these hosts back, in the same way."""
        self.rolling.session.undoing(self._back, only={*self.hosts})()

    def _back(self, host_run: HostRun) -> None:
        balancer = self.rolling.session.balancer
        try:
            if host_run.begun:
                if not host_run.home:
                    balancing.take_out(balancer, host_run, must=False)
                    self._told(host_run)
                for part in reversed(self.rolling.parts):
                    part.back(host_run)
                # Only what serves is put back.
                services.answers(host_run)
                host_run.begun = False
        except BaseException as error:
            balancing.stays_out(balancer, host_run, str(error) or type(error).__name__)
            raise
        balancing.put_back(balancer, host_run, wait=not self.first)
        self._told(host_run)


def _everywhere(session: Session, part: Part) -> None:
    # How many hosts there are is known once those that do not answer are left out.
    session.do(part.bring, batch=session.at_once)


def _in_turn(*acts: Act) -> Act:
    def run() -> None:
        for act in acts:
            act()

    return run


def _all(*acts: Act) -> Act:
    """One after the other, though one before it failed."""

    def run() -> None:
        with ExitStack() as stack:
            for act in reversed(acts):
                stack.callback(act)

    return run


def put_back_left(session: Session) -> Step:
    """Return the step that tries once more to put back hosts that could not be, when the release serves."""

    def run() -> None:
        balancer = session.balancer
        if balancer is None:
            return
        left = {*balancer.out}
        session.do(lambda host_run: balancing.put_back(balancer, host_run, wait=False), only=left)
        # Before a first deploy nobody could be asked to leave it.
        if serving := sorted(balancer.serving):
            events.info(session.emit, f"The load balancer has {', '.join(serving)}")

    return Step("", "Load balancer", run)
