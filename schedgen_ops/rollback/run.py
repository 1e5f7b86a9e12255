"""The rollback on every host, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops import events
from schedgen_ops.commands import files
from schedgen_ops.deploy import cleaning, code, images, pipeline, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.orchestrators.contract import ALL
from schedgen_ops.proxy import chosen
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, since
from schedgen_ops.rollback.data import RestoredData
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.grouping import together
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.shell import Command, sh
from schedgen_ops.steps import Step


def rollback(
    session: Session,
    target: ReleaseId,
    *,
    revert: bool = False,
    data: RestoredData | None = None,
    decided: float = 0.0,
) -> Pipeline:
    """Return the pipeline that makes an earlier release serve again, from what is kept on the hosts.

    Args:
        target: its id.
        revert: whether the migrations that came after it are taken back.
        data: what is restored into the database; None leaves it as it is.
        decided: when it was decided to go back, in seconds on the monotonic clock.
    """
    # The newer release is not wanted any more: it has nothing left to answer while it stands by.
    session.share = ALL
    it = Rollback(session, target, data, decided)
    undoing = session.undoing
    steps = (
        pipeline.preflight(session),
        Step("", "Release and images", it.find, gate=True),
        Step("1", "Restoring code", it.restore_code, undo=undoing(code.switch_back)),
        *((it.reverting(),) if revert else ()),
        *((Step("", "Restoring the database beside", it.prepare, undo=data.drop),) if data else ()),
        pipeline.open_ingress(session),
        Step("2", "Rolling back services", it.roll_all, undo=undoing(it.roll_back)),
        *((Step("", "Exchanging the database", data.swap, undo=data.back),) if data else ()),
        # It served before: it has shown that it stays up.
        pipeline.verification(session, 3, "Post-rollback verification", settle=False),
        pipeline.clean_up(session, 4, it.settle),
    )
    return Pipeline(session, steps)


@dataclass(frozen=True, slots=True)
class Rollback:
    """The rollback's own parts, see `rollback`."""

    session: Session
    target: ReleaseId
    data: RestoredData | None
    decided: float

    def find(self) -> None:
        """Find the release, its images and, if asked for, its backup on every host."""
        self.session.do(self._find)
        self.session.do(code.try_hook)
        if self.data is not None:
            self.data.check()

    def _find(self, site: HostRun) -> None:
        site.old = site.seen.shelf.serving
        target = self._wanted(site)
        names = [record.image for record in target.services.values()]
        if site.remote.run(site.docker.image_ids(*names), deadline=60, check=False).ok:
            return
        answers = site.remote.batch([site.docker.image_ids(name) for name in names], deadline=60)
        lost = [name for name, answer in zip(names, answers, strict=True) if not answer.ok]
        if lost:
            raise Refused(f"images are no longer there: {', '.join(lost)}", host=site.remote.name)

    def _wanted(self, site: HostRun) -> Release:
        target = site.seen.shelf.get(self.target)
        if target is None or not target.good:
            raise Refused(f"release {self.target} cannot be gone back to", host=site.remote.name)
        return target

    def restore_code(self) -> None:
        """Check out the release's commit, and write its definition under the new record."""
        self.session.do(self._restore_code)
        events.info(self.session.emit, f"Code restored: {self.session.sites[0].release.commit[:12]}")

    def _restore_code(self, site: HostRun) -> None:
        target = self._wanted(site)
        previous = site.old.id if site.old else NO_RELEASE
        new = replace(self.session.release(target.commit), previous=previous, services=target.services)
        site.new = replace(new, branch=target.branch, restores=target.id)
        store.write(site.remote, site.paths, site.new)
        source, folder = site.paths.release(target.id), site.paths.release(site.new.id)
        site.run(_copy(source, folder, chosen(site.settings).config_name))
        text = site.run(files.read(f"{source}/overlay.json")).stdout
        site.run(site.orchestrator.pin(folder, rollout.relabelled(text, site.new.id)))
        code.check_out(site)
        if site.settings.delivered:
            site.run(secrets.use(site.settings, site.new.id, target.id))
        code.keep_logs(site, aside=True)

    def prepare(self) -> None:
        """Restore the backup beside what serves; record first what a recovery would have to put back."""
        data = self.data
        if data is None:
            return
        for name, restore in data.todo.items():
            site = self.session.site(self.session.fleet[name])
            site.new = replace(site.release, restored=(restore.backup.id, restore.stamp))
            store.write(site.remote, site.paths, site.new)
        data.prepare()

    def settle(self) -> None:
        """End what follows the database that was put aside."""
        if self.data is not None:
            with cleaning.as_warning(self.session.emit):
                self.data.settle()

    def roll_all(self) -> None:
        """Replace every service at once, where that is safe: all of them ran together before."""
        session = self.session
        session.do(self._roll_all, batch=session.settings.rollout.batch)
        # A worker that ends its last job is in nobody's way.
        if not session.touched:
            events.info(session.emit, "No service differs: nothing had to be replaced")
            return
        answering = max(site.answering for site in session.sites) or session.clock.monotonic()
        seconds = answering - self.decided
        events.info(session.emit, f"{self.target} answers every request, {seconds:.1f}s after the decision")
        session.emit(events.Fact("answering", seconds))

    def _roll_all(self, site: HostRun) -> None:
        services.roll(site, self._order(site), together)
        if not site.settings.tiers:
            self._tell_left(site)

    def _tell_left(self, site: HostRun) -> None:
        """Tell of what holds state and stays, and warn where that is not as the older release had it."""
        records = site.release.services
        whys = {name: registry.of(record).kept for name, record in records.items()}
        left = [name for name, why in whys.items() if why and site.settings.has(site.host, name)]
        for change in rollout.changes(left, records, site.containers(), site.old):
            why = whys[change.service]
            if change.action is rollout.Action.KEEP:
                site.say(f"Service {change.service} left as it is: it {why}")
            else:
                site.warn(
                    f"{change.service} stays, and is not as {self.target} had it: {change.reason}; it {why}"
                )

    def _order(self, site: HostRun) -> list[str]:
        order = scope.order(self.session.settings, site.release.services)
        return [name for name in order if self.session.settings.has(site.host, name)]

    def roll_back(self, site: HostRun) -> None:
        """Put every service back as the newer release had it."""
        services.roll_back(site, self._order(site) if site.new else ())

    def reverting(self) -> Step:
        """Return the step that takes migrations back."""
        # The newer release goes on serving then: it needs the schema that it had.
        undo = self.session.undoing(lambda site: images.migrate_again(site, site.release, site.old))
        return Step("", "Reverting migrations", self.revert_migrations, undo=undo)

    def revert_migrations(self) -> None:
        """Revert migrations with the newer image, which has the way back, one after the other."""
        session = self.session
        session.do(self._revert, only=session.among(session.settings.migrating_hosts()))

    def _revert(self, site: HostRun) -> None:
        migrations, old = self.session.settings.migrations, site.old
        if migrations is None or old is None:
            return
        shelf = site.seen.shelf
        for name in since(shelf.releases, self.target, shelf.current):
            # Written first: should this run be killed, the next one knows what to put right.
            site.new = replace(site.release, reverted=(*site.release.reverted, name))
            store.write(site.remote, site.paths, site.new)
            images.run_migrations(site, old.id, migrations.revert)
            site.say(f"Migration reverted: {name}")


def _copy(source: str, target: str, config_name: str) -> Command:
    return sh("cp", "-p", "--", f"{source}/owner.yaml", f"{source}/{config_name}", target)
