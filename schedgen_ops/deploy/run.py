"""The deploy on every host, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog.manifest import Kind
from schedgen_ops.backup.create import capacity
from schedgen_ops.backup.create import run as backup
from schedgen_ops.backup.offsite import push
from schedgen_ops.backup.restore import drill
from schedgen_ops.deploy import cleaning, code, images, services
from schedgen_ops.deploy.base import Change
from schedgen_ops.deploy.site import Site
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.release import store
from schedgen_ops.settings import HostSettings
from schedgen_ops.steps import Step


@dataclass(slots=True)
class Deploy(Change):
    """One deploy of `branch` on every host of the fleet."""

    pulls: bool = True

    def steps(self) -> tuple[Step, ...]:
        """The plan, in the runbook's order and with its numbers; what does not apply here is left out."""
        verify, clean = (str(at + max(1, len(self.settings.tiers))) for at in (4, 5))
        back = self._each(services.reopen)
        gate, *tiers = self.rolling(4)
        if not self._migrating:
            gate = replace(gate, run=self.open_unmigrated, waits=True)
        return (
            Step("", "Pre-flight Checks", self.preflight, gate=True),
            *((Step("0", "Pre-deployment backup", self.back_up, beside=True),) if self._holders else ()),
            Step("1", "Pulling latest code", self.pull, undo=self._each(code.switch_back)),
            Step("2", "Building containers", self.build, undo=self._each(images.drop)),
            *(
                (Step("3", "Running database migrations", self.migrate, waits=True),)
                if self._migrating
                else ()
            ),
            gate,
            *tiers,
            Step(verify, "Post-deployment verification", self.verify, undo=back, settles=True),
            Step(clean, "Cleaning up old images", self.clean_up, stays=cleaning.QUESTION),
        )

    def make_sure(self) -> None:
        """There is room for the backup, and git can move the work tree."""
        self._do(code.try_hook)
        self._do(_look_for_room, only=self._holders)

    @property
    def _holders(self) -> set[str]:
        return self._chosen(self.settings.backup_hosts())

    @property
    def _migrating(self) -> set[str]:
        return self._chosen(self.settings.migrating_hosts())

    def _chosen(self, hosts: Sequence[HostSettings]) -> set[str]:
        return {host.name for host in hosts} & {*self.fleet.names}

    def back_up(self) -> None:
        """A checked backup of database and objects, before anything changes."""
        events.info(self.emit, "Creating backup before deployment")
        at = host_time.together(self.fleet.only(tuple(self._holders)))
        self._do(partial(self._back_up, at=at), only=self._holders)
        events.info(self.emit, "Pre-deployment backup completed successfully")

    def _back_up(self, site: Site, *, at: datetime | None) -> None:
        kind, totals = Kind.PRE_DEPLOYMENT, site.totals
        made = backup.create(
            site.remote, site.settings, kind, _source(site), self.clock, self.emit, totals=totals, at=at
        )
        drill.when_due(site.remote, site.settings, made, self.clock, self.emit)
        push.after_backup(site.remote, site.settings, made, self.clock, self.emit)
        site.backup = f"{site.settings.backup.directory}/{made.id}"

    def pull(self) -> None:
        """The same commit on every host."""
        self._do(lambda site: code.keep_running(site, self.name))
        commits = self._check().each(lambda remote: code.fetch(self._site(remote), self.branch)).values()
        if len(set(commits)) > 1:
            raise OpsError(f"the hosts do not agree on what {self.branch!r} is: {', '.join(commits)}")
        commit = commits[0]
        release = self._release(commit)
        self._do(lambda site: code.switch(site, release))
        self.emit(events.Fact("release", release.id))
        self.emit(events.Fact("commit", commit))
        there = all(site.seen.tree.commit == commit for site in self.sites)
        what = "The code is there already" if there else "Code updated successfully"
        events.info(self.emit, f"{what}: {self.branch} is {commit[:12]}")

    def build(self) -> None:
        """The release's images on every host."""
        self._do(images.build)
        built = any(site.built for site in self.sites)
        text = (
            "Containers built successfully" if built else "Nothing to build: every image comes from elsewhere"
        )
        events.info(self.emit, text)

    def migrate(self) -> None:
        """The schema, once a database; from here on there is a backup."""
        self._do(_note_backup)
        migrations = partial(self._do, images.migrate, only=self._migrating)
        at_once([migrations, partial(self._do, code.keep_logs)])
        added = sorted({name for site in self.sites for name in site.release.migrations})
        for name in added:
            events.info(self.emit, f"New migration: {name}")
        events.info(self.emit, "Migrations completed successfully")

    def open_unmigrated(self) -> None:
        """The ingress, where no migrations come before it."""
        self._do(_note_backup)
        self._do(code.keep_logs)
        self.open_ingress()


def _source(site: Site) -> backup.Source:
    serving = site.seen.shelf.serving
    commit = serving.commit if serving else site.seen.tree.commit
    return backup.Source(serving.id if serving else "", commit, site.seen.containers)


def _look_for_room(site: Site) -> None:
    site.totals = capacity.ensured(site.remote, site.settings, _source(site), site.emit)


def _note_backup(site: Site) -> None:
    if not site.backup:
        return
    site.new = replace(site.release, backup=site.backup)
    store.write(site.remote, site.paths, site.new)
