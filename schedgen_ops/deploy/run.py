"""The deploy on every host, step by step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from schedgen_ops import events
from schedgen_ops.backup import run as backup
from schedgen_ops.clock import Clock, stamp
from schedgen_ops.deploy import code, images, services
from schedgen_ops.deploy.site import Share, Site
from schedgen_ops.engine import Engine, Step
from schedgen_ops.errors import OpsError, Refused, RolledBack
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.lock.commands import Owner
from schedgen_ops.preflight import run as preflight
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, State
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings, Tier


@dataclass(slots=True)
class Deploy:
    """One deploy of `branch` on every host of the fleet.

    Attributes:
        run: the run's name, its start as YYYYMMDD_HHMMSS in UTC; it begins the release's id.
        owner: who deploys, for the lock and the record.
    """

    settings: Settings
    fleet: Fleet
    branch: str
    run: str
    clock: Clock
    emit: events.Emit
    owner: Owner
    sites: tuple[Site, ...] = ()
    _serves: bool = False
    _held: lock.Lock | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __call__(self) -> str:
        """Deploys, and returns the release's id.

        Raises:
            OpsError: with the exit code that says what serves now.
        """
        engine = Engine(self.emit, self.clock, serving=self._serving)
        with self._stack:
            try:
                engine.run(self.steps())
            except OpsError as error:
                self._close(error, engine.durations)
                raise
            self._close(None, engine.durations)
            return self.sites[0].release.id

    @property
    def previous(self) -> str:
        """The release that served before; "" for none."""
        return ", ".join(sorted({site.old.id for site in self.sites if site.old}))

    @property
    def backups(self) -> str:
        """Where the backups of this deploy are."""
        return ", ".join(sorted({site.backup for site in self.sites if site.backup}))

    def steps(self) -> tuple[Step, ...]:
        """The plan, in the runbook's order and with its numbers."""
        tiers = self.settings.tiers
        verify, clean = str(4 + len(tiers)), str(5 + len(tiers))
        return (
            Step("", "Pre-flight Checks", self.preflight, gate=True),
            Step("0", "Pre-deployment backup", self.back_up),
            Step("1", "Pulling latest code", self.pull, undo=self._each(code.switch_back)),
            Step("2", "Building containers", self.build, undo=self._each(images.drop)),
            Step("3", "Running database migrations", self.migrate),
            Step("", "Ingress", self.open_ingress, undo=self._each(services.restore_ingress)),
            *(self._rolling(str(number), tier) for number, tier in enumerate(tiers, start=4)),
            Step(
                verify, "Post-deployment verification", self.verify, self._each(services.reopen), settles=True
            ),
            Step(clean, "Cleaning up old images", self.clean_up),
        )

    def preflight(self) -> None:
        """Every host is ready, and nobody else is at work."""
        seen = preflight.check(self.fleet, self.settings, self.emit)
        paths, lease = Paths(self.settings.directory), self.settings.lock.lease
        self._held = self._stack.enter_context(lock.held(self.fleet, paths, self.owner, lease))
        for name, current in self._held.current.items():
            if current != seen[name].shelf.current:
                raise Refused("another deploy ended a moment ago", host=name, hint="Run it again.")
        self.sites = tuple(
            Site(remote, self.settings, seen[remote.name], self.clock, self.emit)
            for remote in self.fleet.hosts
        )
        for site in self.sites:
            self._tell_unfinished(site)
        events.info(self.emit, "Pre-flight checks passed")

    def back_up(self) -> None:
        """A checked backup of database and objects, before anything changes."""
        events.info(self.emit, "Creating backup before deployment")
        holders = {host.name for host in self.settings.backup_hosts()}
        self._do(self._back_up, only=holders)
        events.info(self.emit, "Pre-deployment backup completed successfully")

    def _back_up(self, site: Site) -> None:
        serving = site.seen.shelf.serving
        source = backup.Source(
            serving.id if serving else "",
            serving.commit if serving else site.seen.tree.commit,
            site.seen.containers,
        )
        made = backup.create(site.remote, site.settings, "pre-deployment", source, self.clock, self.emit)
        site.backup = f"{site.settings.backup.directory}/{made.id}"

    def pull(self) -> None:
        """The same commit on every host."""
        self._do(lambda site: code.keep_running(site, self.run))
        commits = self._check().each(lambda remote: code.fetch(self._site(remote), self.branch)).values()
        if len(set(commits)) > 1:
            raise OpsError(f"the hosts do not agree on what {self.branch!r} is: {', '.join(commits)}")
        commit = commits[0]
        release = self._release(commit)
        self._do(lambda site: code.switch(site, release))
        self.emit(events.Fact("release", release.id))
        self.emit(events.Fact("commit", commit))
        events.info(self.emit, f"Code updated successfully: {self.branch} is {commit[:12]}")

    def _release(self, commit: str) -> Release:
        return Release(
            id=f"{self.run}-{commit[:7]}",
            branch=self.branch,
            commit=commit,
            state=State.STARTED,
            started=stamp(self.clock.now()),
            by=self.owner.person,
        )

    def build(self) -> None:
        """The release's images on every host."""
        self._do(images.build)
        events.info(self.emit, "Containers built successfully")

    def migrate(self) -> None:
        """The schema, once a database."""
        chosen = {host.name for host in self.settings.migrating_hosts()}
        self._do(images.migrate, only=chosen)
        added = sorted({name for site in self.sites for name in site.release.migrations})
        for name in added:
            events.info(self.emit, f"New migration: {name}")
        events.info(self.emit, "Migrations completed successfully")

    def open_ingress(self) -> None:
        """What publishes ports is behind the ingress, so that it can be replaced unnoticed."""
        self._do(services.open_ingress, batch=self.settings.rollout.batch)

    def _rolling(self, number: str, tier: Tier) -> Step:
        title = f"Rolling update - {tier.name} services"
        undo = self._each(lambda site: services.roll_back(site, tier.services))
        return Step(number, title, partial(self._roll, tier), undo=undo)

    def _roll(self, tier: Tier) -> None:
        def share(site: Site) -> None:
            services.roll(site, [name for name in tier.services if site.host.runs(name)])

        self._do(share, batch=self.settings.rollout.batch)

    def verify(self) -> None:
        """Everything answers on every host; from here on the new release is the one that serves."""
        self._do(services.verify)
        self._do(lambda site: services.close(site, State.DONE))
        events.info(self.emit, "Deployment verification passed")
        self._serves = True

    def clean_up(self) -> None:
        """What no kept release needs, removed. A failure here takes nothing back."""
        try:
            self._do(images.name_as_owner)
            self._do(images.clean_up)
            self._do(services.leftovers)
        except OpsError as error:
            events.warn(self.emit, f"cleaning up did not finish: {error.message}", error.host)

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
            # Taking back goes on without the lock: leaving half a release would be worse.
            self.fleet.each(lambda remote: share(self._site(remote))).values()

        return undo

    # How it ends

    def _serving(self) -> str:
        return f"The old release serves: {self.previous}" if self.previous else ""

    def _close(self, error: OpsError | None, steps: tuple[tuple[str, float], ...]) -> None:
        state = State.DONE if error is None else State.FAILED
        if error is not None and not isinstance(error, RolledBack):
            state = State.BROKEN
        if self._serves:
            state = State.DONE
        text = error.message if error else ""
        if self.sites:
            # How it ended is decided: a record that cannot be written now, or Ctrl-C, does not change it.
            with suppress(KeyboardInterrupt):
                self.fleet.each(lambda remote: services.close(self._site(remote), state, text, steps))

    def _tell_unfinished(self, site: Site) -> None:
        for release in site.seen.shelf.releases:
            if release.state is State.STARTED:
                site.warn(f"Release {release.id} by {release.by} was begun and never finished")
