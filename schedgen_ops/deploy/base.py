"""What a deploy and a rollback have in common: lock, prober, services replaced, verdict, end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from schedgen_ops import events
from schedgen_ops.clock import Clock, Shifted, stamp
from schedgen_ops.deploy import cleaning, closing, ingress, measured, ours, recovery, services
from schedgen_ops.deploy.site import Share, Site
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.lock import run as lock
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.preflight import run as preflight
from schedgen_ops.probe.report import Report
from schedgen_ops.probe.run import Prober, probing
from schedgen_ops.release import store
from schedgen_ops.release.names import next_run
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, State
from schedgen_ops.remote import Remote
from schedgen_ops.rollout import scope
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import Settings, Tier
from schedgen_ops.steps import Step


@dataclass(slots=True)
class Change:
    """A release made to serve on every host of the fleet.

    Attributes:
        run: the run's name, its start as YYYYMMDD_HHMMSS in UTC by the operator's clock.
        owner: who does it, for the lock and the record.
        pulls: whether `branch` is fetched, so that its remote has to have it.
        settle: whether what was replaced has to stay up for a while before it counts as verified.
        seen: what the prober saw, once all is over.
        name: what begins the ids of the releases that it makes, once preflight found the hosts' time.
    """

    settings: Settings
    fleet: Fleet
    branch: str
    run: str
    clock: Clock
    emit: events.Emit
    owner: Owner
    sites: tuple[Site, ...] = ()
    seen: Report | None = None
    pulls: bool = False
    settle: bool = True
    _serves: bool = False
    name: str = ""
    _held: lock.Lock | None = None
    _prober: Prober | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __call__(self) -> str:
        """Does it, and returns the release's id.

        Raises:
            OpsError: with the exit code that says what serves now.
        """
        runner = StepRunner(
            self.emit,
            self.clock,
            serving=self._serving,
            interrupt=self.fleet.interrupt,
            regain=self._regain,
        )
        with INTERRUPTS.kept(), self._stack:
            try:
                runner.run(self.steps())
            except OpsError as error:
                measured.outcome(error, self.sites)
                self._measured()
                self._close(error, tuple(runner.durations))
                raise
            self._measured()
            self._close(None, tuple(runner.durations))
            return self.sites[0].release.id

    def steps(self) -> tuple[Step, ...]:
        """The plan."""
        raise NotImplementedError

    @property
    def previous(self) -> str:
        """The release that served before; "" for none."""
        return ", ".join(sorted({site.old.id for site in self.sites if site.old}))

    @property
    def backups(self) -> str:
        """Where the backups of this deploy are."""
        return ", ".join(sorted({site.backup for site in self.sites if site.backup}))

    def preflight(self) -> None:
        """Every host is ready, and nobody else is at work."""
        seen = preflight.check(self.fleet, self.settings, self.emit, self.branch if self.pulls else "")
        paths, lease = Paths(self.settings.directory), self.settings.lock.lease
        for name, found in seen.items():
            store.certain(found.shelf, paths, name)
        self._held = self._stack.enter_context(lock.held(self.fleet, paths, self.owner, lease))
        for name, current in self._held.current.items():
            if current != seen[name].shelf.written:
                raise Refused("another deploy ended a moment ago", host=name, hint="Run it again.")
        # What is written on a host has its time: whose laptop it was must not matter to what is newest.
        ahead = self._held.ahead(self.clock)
        self.sites = tuple(
            Site(host, self.settings, seen[host.name], Shifted(self.clock, ahead[host.name]), self.emit)
            for host in self.fleet
        )
        known = (release.id for site in self.sites for release in site.seen.shelf.releases)
        self.name = next_run(self.run, max(ahead.values()), known)
        self._do(recovery.recover)
        self.make_sure()
        self._prober = self._stack.enter_context(probing(self.fleet, self.settings, self.emit))
        events.info(self.emit, "Pre-flight checks passed")

    def make_sure(self) -> None:
        """What else must hold before anything begins; the lock is held."""

    def _release(self, commit: str) -> Release:
        return Release(
            id=f"{self.name}-{commit[:7]}",
            run=self.run,
            branch=self.branch,
            commit=commit,
            state=State.STARTED,
            started=stamp(self.sites[0].clock.now()),
            by=self.owner.person,
        )

    def rolling(self, first: int) -> tuple[Step, ...]:
        """The steps that replace services, tier by tier; `first` is the number of the first."""
        if not self.settings.tiers:
            return (self._gate(), self._rolling_all(str(first)))
        tiers = enumerate(self.settings.tiers, start=first)
        here = [self.settings.host(name) for name in self.fleet.names]
        ours = [(str(at), tier) for at, tier in tiers if any(h.runs(s) for h in here for s in tier.services)]
        return (self._gate(), *(self._rolling(number, tier) for number, tier in ours))

    def _gate(self) -> Step:
        return Step("", "Ingress", self.open_ingress, undo=self._each(ingress.bring_back))

    def open_ingress(self) -> None:
        """What publishes ports is behind the ingress, so that it can be replaced unnoticed."""
        self._phase("during")
        self._do(ingress.bring, batch=self.settings.rollout.batch)

    def _rolling(self, number: str, tier: Tier) -> Step:
        title = f"Rolling update - {tier.name} services"
        undo = self._each(lambda site: services.roll_back(site, tier.services))
        return Step(number, title, partial(self._roll, tier), undo=undo)

    def _rolling_all(self, number: str) -> Step:
        def share(site: Site) -> None:
            services.roll(site, scope.order(self.settings, site.release.services))

        run = partial(self._do, share, batch=self.settings.rollout.batch)
        undo = self._each(lambda site: services.roll_back(site, tuple(site.touched)))
        return Step(number, "Rolling update", run, undo=undo)

    def _roll(self, tier: Tier) -> None:
        def share(site: Site) -> None:
            services.roll(site, [name for name in tier.services if site.host.runs(name)])

        self._do(share, batch=self.settings.rollout.batch)

    def verify(self) -> None:
        """Everything answers on every host; from here on the new release is the one that serves."""
        self._phase("after")
        self._do(lambda site: services.verify(site, settle=self.settle))
        self._do(services.serve)
        self._serves = True
        measured.verified(self.sites, self.emit)

    @property
    def touched(self) -> bool:
        """Whether any service was replaced, and stays so."""
        return any(site.touched for site in self.sites)

    def _phase(self, name: str) -> None:
        if self._prober is not None:
            self._prober.phase(name)

    def _measured(self) -> None:
        """Says what visitors noticed, if that could be measured."""
        if self._prober is not None and self.seen is None:
            self.seen = measured.tell(self._prober, self.sites, self.emit)

    def clean_up(self) -> None:
        """What was replaced, and what no kept release needs, removed; nothing is taken back any more."""
        cleaning.clean_up(self._do, self.emit)

    # How a step reaches the hosts

    def _check(self) -> Fleet:
        if self._held is not None:
            self._held.check()
        return self.fleet

    def _site(self, remote: Remote) -> Site:
        return next(site for site in self.sites if site.remote.name == remote.name)

    def _do(self, share: Share, *, only: set[str] | None = None, batch: int | None = None) -> None:
        def action(remote: Remote) -> None:
            if only is None or remote.name in only:
                share(self._site(remote))

        self._check().each(action, batch=batch).values()

    def _each(self, share: Share) -> Callable[[], None]:
        def undo() -> None:
            # A host whose lock is not ours refuses by itself; the others are taken back all the same.
            self.fleet.each(lambda remote: share(self._site(remote))).values()

        return undo

    def _regain(self) -> None:
        if self._held is not None:
            self._held.regain(ours.judge(self.sites))

    # How it ends

    def _serving(self) -> str:
        """What serves after everything was taken back: it is asked for, not remembered.

        Raises:
            OpsError: where it does not pass its checks.
        """
        self.fleet.each(lambda remote: services.answers(self._site(remote))).values()
        if not any(site.before for site in self.sites):
            return "Nothing served here before" if self.sites else ""
        return f"The old release serves: {self.previous}" if self.previous else "What ran before serves"

    def _close(self, error: OpsError | None, steps: tuple[tuple[str, float], ...]) -> None:
        closing.close(self.fleet, self.sites, error, steps, self.emit, serves=self._serves)
