"""What the steps of a run share: the hosts and what was found there, the lock, the prober."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType

from schedgen_ops import events, host_scripts
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.balancer.run import LoadBalancer
from schedgen_ops.checklist import run as checklist
from schedgen_ops.clock import Clock, Shifted, stamp
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Login
from schedgen_ops.deploy import again, balancing, half_moved, measured, ours, services
from schedgen_ops.deploy.build_machine import BuildMachine
from schedgen_ops.deploy.host_run import HostRun, Share
from schedgen_ops.deploy.seed import seed
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.lock import run as lock
from schedgen_ops.lock.patience import Patience
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.lock.waiting import once_free
from schedgen_ops.masking import Veil
from schedgen_ops.preflight import run as preflight
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.probe.report import ProbeReport
from schedgen_ops.probe.run import Prober, probing
from schedgen_ops.release import store
from schedgen_ops.release.names import next_run
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, State, new_id
from schedgen_ops.remote import Remote
from schedgen_ops.secrets.vault import Vault
from schedgen_ops.settings import HostSettings, Settings

Consent = Callable[[Mapping[str, Observed]], None]


@dataclass(slots=True)
class Session:
    """One run on every host of the fleet; it holds the lock from `open` until it is left.

    Attributes:
        ref: what the operator asked for; None for a run that brings nothing new.
        run: the run's name, its start as YYYYMMDD_HHMMSS in UTC by the operator's clock.
        owner: who does it, for the lock and the record.
        patience: how long another run is waited for; None does not wait.
        vault: the secrets that it delivers; None where the env file is the hosts' own.
        sign_in: yields who signs in to the registry of images; None where nobody does.
        builder: this machine, where it builds the images; None where hosts do.
        consent: raises where the hosts, as they were found, may not be deployed to; None asks nothing.
        share: percent of the requests that new containers get at first, see `Orchestrator.start_beside`.
        seeds: the backups whose data hosts begin with, by host, where nothing runs yet.
        reach: leaves out hosts that do not answer, and returns the others; None wants all.
        agreed: what `current` named, by host, when the run was agreed to; none where nothing was shown.
        balancer: what hosts are taken out of while their services are touched; None for none.
        veil: masks what the run fetched, in what it leaves on the hosts.
        host_runs: the hosts, once `open` found them ready.
        name: what begins the ids of the releases that it makes, by the hosts' time.
        serves: whether the new release is the one that serves.
        seen: what the prober saw, once all is over.
    """

    settings: Settings
    fleet: Fleet
    ref: Ref | None
    run: str
    clock: Clock
    emit: events.Emit
    owner: Owner
    patience: Patience | None = None
    consent: Consent | None = None
    vault: Vault | None = None
    sign_in: Callable[[], Login] | None = None
    builder: BuildMachine | None = None
    share: int = 100
    seeds: Mapping[str, Manifest] = field(default_factory=dict)
    reach: Callable[[], Fleet] | None = None
    agreed: Mapping[str, str] = field(default_factory=dict)
    balancer: LoadBalancer | None = None
    veil: Veil = field(default_factory=Veil)
    host_runs: tuple[HostRun, ...] = ()
    name: str = ""
    serves: bool = False
    seen: ProbeReport | None = None
    _held: lock.HeldLock | None = None
    _prober: Prober | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.builder:
            self.builder.clear()
        self._stack.__exit__(kind, error, trace)

    def open(self, *, pulls: bool = False) -> None:
        """Make sure that every host is ready, lock it, and take back what an interrupted run left.

        Args:
            pulls: whether `ref` is fetched, so that the hosts' git remote has to have it.

        Raises:
            Refused: where a host is not ready, or somebody else is at work.
        """
        host_scripts.read_all()
        if self.balancer:
            self.balancer.by = self.owner.person
            self.balancer.ready()
        if self.reach:
            every, self.fleet = {*self.fleet.names}, self.reach()
            if self.balancer:
                self.balancer.absent |= every - {*self.fleet.names}
        paths, lease = Paths(self.settings.directory), self.settings.lock.lease
        ready = partial(self._ready, pulls=pulls)
        seen = once_free(ready, self.fleet, paths, self.patience)
        waited = self.patience.waited if self.patience else 0.0
        self._held = self._stack.enter_context(lock.held(self.fleet, paths, self.owner, lease, self.patience))
        if self.patience and self.patience.waited > waited:
            seen = ready()
        for name, current in self._held.current.items():
            # What was asked for and agreed to was meant for what served then.
            if {seen[name].shelf.written, self.agreed.get(name, current)} != {current}:
                raise Refused("another deploy ended a moment ago", host=name, hint="Run it again.")
        # What is written on a host has its time: whose laptop it was must not matter to what is newest.
        ahead = self._held.ahead(self.clock)
        contexts = (self._context(host, Shifted(self.clock, ahead[host.name])) for host in self.fleet)
        self.host_runs = tuple(
            HostRun(host, seen[host.name], share=self.share, seed=seed(host, self.seeds)) for host in contexts
        )
        known = (release.id for host_run in self.host_runs for release in host_run.seen.shelf.releases)
        self.name = next_run(self.run, max(ahead.values()), known)
        self.recover()

    def recover(self) -> None:
        """Take back what an interrupted run left.

        Raises:
            Refused: where that was a move to a Swarm, of which only the Swarm's managers know enough.
        """
        for host_run in self.host_runs:
            half_moved.refuse(host_run, "`orchestrator: swarm` in the config, then `inv deploy.recover`.")
        if len(self.fleet) > 1:
            self.do(again.put_back)
        batches = self.settings.rollout.batches(self.fleet.names, canary=False)
        balancing.recover(
            self.balancer, self.host_runs, lambda share, only: self.do(share, only=only), batches
        )

    @property
    def moves(self) -> bool:
        """Whether Compose may run the project though a Swarm is to: the run looks after that."""
        return False

    def _ready(self, *, pulls: bool) -> Mapping[str, Observed]:
        if pulls:
            if self.vault:
                self.vault.env()  # A secret that cannot be had is told before any host is asked.
            if self.sign_in:
                self.sign_in()
            engine = self.builder.engine() if self.builder else None
            context = self._by_our_clock
            asked = (self.asked(), self.vault, engine)
            seen = checklist.check(self.fleet, context, self.emit, *asked, moves=self.moves)
        else:
            seen = preflight.check(self.fleet, self._by_our_clock, moves=self.moves)
        for name, found in seen.items():
            store.certain(found.shelf, Paths(self.settings.directory), name)
        if pulls and self.consent:
            self.consent(seen)
        if pulls and self.vault:
            self.vault.consent()
        return seen

    def asked(self) -> Ref:
        """Return what the operator asked for, in a run that fetches it.

        Raises:
            OpsError: in a run that brings nothing new.
        """
        if self.ref is None:
            raise OpsError("this run was asked for no branch, tag or commit")
        return self.ref

    def _by_our_clock(self, remote: Remote) -> HostContext:
        return self._context(remote, self.clock)

    def _context(self, remote: Remote, clock: Clock) -> HostContext:
        return HostContext(remote, self.settings, clock, self.emit, self.sign_in)

    def interrupt(self) -> None:
        """Ask what runs for the run to end, on the hosts and here."""
        if self.builder:
            self.builder.interrupt()
        self.fleet.interrupt()

    # What visitors notice

    def probe(self) -> None:
        """Begin to ask the hosts as a visitor does."""
        self._prober = self._stack.enter_context(probing(self.fleet, self.settings, self.emit))

    def phase(self, name: str, host: str = "") -> None:
        """Tell the prober that a phase begins, on one host or on all."""
        if self._prober is not None:
            self._prober.phase(name, host)

    def measured(self) -> None:
        """Tell what visitors noticed, if that could be measured."""
        if self._prober is not None and self.seen is None:
            self.seen = measured.tell(self._prober, self.host_runs, self.emit)

    # How a step reaches the hosts

    def locked(self) -> Fleet:
        """Return the hosts, as long as the lock is ours."""
        if self._held is not None:
            self._held.check()
        return self.fleet

    def host_run(self, remote: Remote) -> HostRun:
        """Return what this run knows of a host."""
        return next(host_run for host_run in self.host_runs if host_run.remote.name == remote.name)

    @property
    def at_once(self) -> int:
        """How many hosts have their services replaced at the same time."""
        return self.settings.rollout.at_once(len(self.fleet))

    def do(self, share: Share, *, only: set[str] | None = None, batch: int | None = None) -> None:
        """Do something on every host, or on those named in `only`, at most `batch` at a time."""
        fleet = self.locked()
        chosen = fleet if only is None else fleet.only(only)
        chosen.each(lambda remote: share(self.host_run(remote)), batch=batch).values()

    def undoing(self, share: Share, *, only: set[str] | None = None) -> Callable[[], None]:
        """Return the function that takes a step back on every host, or on those named in `only`."""

        def undo() -> None:
            # A host whose lock is not ours refuses by itself; the others are taken back all the same.
            chosen = self.fleet if only is None else self.fleet.only(only)
            chosen.each(lambda remote: share(self.host_run(remote))).values()

        return undo

    def among(self, hosts: Iterable[HostSettings]) -> set[str]:
        """Return the names of those of `hosts` that this run is on."""
        return {host.name for host in hosts} & {*self.fleet.names}

    def regain(self) -> None:
        """Make sure that the lock is ours, before anything is taken back.

        Raises:
            Overruled: where it may not.
        """
        if self._held is not None:
            self._held.regain(ours.judge(self.host_runs))

    # What it comes to

    def release(self, commit: str, branch: str = "") -> Release:
        """Return the record of a release that is begun now.

        Args:
            commit: "" where it is images of a tag.
            branch: what was asked for, where that was not in this run.
        """
        branch = branch or (self.ref.name if self.ref else "")
        return Release(
            id=new_id(self.name, commit, branch),
            run=self.run,
            branch=branch,
            commit=commit,
            state=State.STARTED,
            started=stamp(self.host_runs[0].clock.now()),
            by=self.owner.person,
        )

    @property
    def previous(self) -> str:
        """The release that served before; "" for none."""
        return ", ".join(sorted({each.old.id for each in self.host_runs if each.old}))

    @property
    def backups(self) -> str:
        """The folders of the backups of this run; "" for none."""
        return ", ".join(sorted({host_run.backup for host_run in self.host_runs if host_run.backup}))

    @property
    def touched(self) -> bool:
        """Whether any service was replaced, and stays so."""
        return any(host_run.touched for host_run in self.host_runs)

    def answers(self) -> None:
        """Verify what was there before this run, as long as the lock is ours.

        Raises:
            OpsError: where it does not pass its checks.
        """
        self.do(services.answers)

    def serving(self) -> str:
        """Verify what serves after everything was taken back, and return it in words.

        Raises:
            OpsError: where it does not pass its checks.
        """
        self.undoing(services.answers)()
        if not any(host_run.before for host_run in self.host_runs):
            return "Nothing served here before" if self.host_runs else ""
        return f"The old release serves: {self.previous}" if self.previous else "What ran before serves"
