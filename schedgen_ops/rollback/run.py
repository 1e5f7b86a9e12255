"""The rollback on every host, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops import events
from schedgen_ops.commands import files
from schedgen_ops.deploy import as_found, cleaning, code, pipeline, schema, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.rolling import Part, Rolling
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.orchestrators.contract import ALL
from schedgen_ops.proxy import chosen
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, ServiceRecord, since
from schedgen_ops.rollback.data import RestoredData
from schedgen_ops.rollout import counting, scope
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout.grouping import together
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.shell import Command
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
    services_back = Part("2", "Rolling back services", it.roll, it.roll_back)
    # It served before: it has shown that it stays up.
    rolling = Rolling(session, (pipeline.INGRESS, services_back), settle=False, title="Rolling back")
    steps = (
        pipeline.preflight(session, rolling.ready),
        Step("", "Release and images", it.find, gate=True),
        Step("1", "Restoring code", it.restore_code, undo=undoing(code.switch_back)),
        *((it.reverting(),) if revert else ()),
        *((Step("", "Restoring the database beside", it.prepare, undo=data.drop),) if data else ()),
        *rolling.steps(after=it.tell_answering),
        *((Step("", "Exchanging the database", data.swap, undo=data.back),) if data else ()),
        pipeline.verification(session, 3, "Post-rollback verification", settle=False),
        *pipeline.end(session, 4, it.settle),
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

    def _find(self, host_run: HostRun) -> None:
        host_run.old = host_run.seen.shelf.serving
        target = self._wanted(host_run)
        names = [record.image for record in target.services.values()]
        if host_run.remote.run(host_run.docker.image_ids(*names), deadline=60, check=False).ok:
            return
        answers = host_run.remote.batch([host_run.docker.image_ids(name) for name in names], deadline=60)
        lost = [name for name, answer in zip(names, answers, strict=True) if not answer.ok]
        if lost:
            raise Refused(f"images are no longer there: {', '.join(lost)}", host=host_run.remote.name)

    def _wanted(self, host_run: HostRun) -> Release:
        target = host_run.seen.shelf.get(self.target)
        if target is None or not target.good:
            raise Refused(f"release {self.target} cannot be gone back to", host=host_run.remote.name)
        return target

    def restore_code(self) -> None:
        """Check out the release's commit, and write its definition under the new record."""
        self.session.do(self._restore_code)
        events.info(self.session.emit, f"Code restored: {self.session.host_runs[0].release.version}")

    def _restore_code(self, host_run: HostRun) -> None:
        target = self._wanted(host_run)
        previous = host_run.old.id if host_run.old else NO_RELEASE
        count = counting.running(host_run.containers(), host_run.old)
        records = {
            name: _as_now(
                record if record.counted else replace(record, replicas=count.get(name, record.replicas)),
                host_run.old,
                name,
            )
            for name, record in target.services.items()
        }
        new = self.session.release(target.commit, target.branch)
        host_run.new = replace(new, previous=previous, services=records, restores=target.id)
        store.write(host_run.remote, host_run.paths, host_run.new)
        source, folder = host_run.paths.release(target.id), host_run.paths.release(host_run.new.id)
        host_run.run(_copy(source, folder, chosen(host_run.settings).config_name))
        text = host_run.run(files.read(f"{source}/overlay.json")).stdout
        relabelled = rollout.relabelled(text, host_run.new.id, records)
        host_run.run(host_run.orchestrator.pin(folder, relabelled))
        as_found.counted(host_run)
        code.check_out(host_run)
        if host_run.settings.delivered:
            host_run.run(secrets.use(host_run.settings, host_run.new.id, target.id))
        code.keep_logs(host_run, aside=True)

    def prepare(self) -> None:
        """Restore the backup beside what serves; record first what a recovery would have to put back."""
        data = self.data
        if data is None:
            return
        for name, restore in data.todo.items():
            host_run = self.session.host_run(self.session.fleet[name])
            host_run.new = replace(host_run.release, restored=(restore.backup.id, restore.stamp))
            store.write(host_run.remote, host_run.paths, host_run.new)
        data.prepare()

    def settle(self) -> None:
        """End what follows the database that was put aside."""
        if self.data is not None:
            with cleaning.as_warning(self.session.emit):
                self.data.settle()

    def tell_answering(self) -> None:
        """Tell since when the older release answers every request."""
        session = self.session
        # A worker that ends its last job is in nobody's way.
        if not session.touched:
            events.info(session.emit, "No service differs: nothing had to be replaced")
            return
        answering = max(host_run.answering for host_run in session.host_runs) or session.clock.monotonic()
        seconds = answering - self.decided
        events.info(session.emit, f"{self.target} answers every request, {seconds:.1f}s after the decision")
        session.emit(events.Fact("answering", seconds))

    def roll(self, host_run: HostRun) -> None:
        """Replace every service of a host at once, where that is safe: all of them ran together before."""
        services.roll(host_run, self._order(host_run), together)
        if not host_run.settings.tiers:
            self._tell_left(host_run)

    def _tell_left(self, host_run: HostRun) -> None:
        """Tell of what holds state and stays, and warn where that is not as the older release had it."""
        records = host_run.release.services
        whys = {name: registry.of(record).kept for name, record in records.items()}
        left = [name for name, why in whys.items() if why and host_run.settings.has(host_run.host, name)]
        for change in rollout.changes(left, records, host_run.containers(), host_run.old):
            why = whys[change.service]
            if change.action is rollout.Action.KEEP:
                host_run.say(f"Service {change.service} left as it is: it {why}")
            else:
                host_run.warn(
                    f"{change.service} stays, and is not as {self.target} had it: {change.reason}; it {why}"
                )

    def _order(self, host_run: HostRun) -> list[str]:
        """Its jobs are not run again: they did their work when it came."""
        records = host_run.release.services
        order = [
            name for name in scope.order(self.session.settings, records) if not scope.ends(records[name])
        ]
        return [name for name in order if self.session.settings.has(host_run.host, name)]

    def roll_back(self, host_run: HostRun) -> None:
        """Put every service back as the newer release had it."""
        services.roll_back(host_run, self._order(host_run) if host_run.new else ())

    def reverting(self) -> Step:
        """Return the step that takes migrations back."""
        # The newer release goes on serving then: it needs the schema that it had.
        undo = self.session.undoing(
            lambda host_run: schema.migrate_again(host_run, host_run.release, host_run.old)
        )
        return Step("", "Reverting migrations", self.revert_migrations, undo=undo)

    def revert_migrations(self) -> None:
        """Revert migrations with the newer image, which has the way back, one after the other."""
        session = self.session
        session.do(self._revert, only=session.among(session.settings.migrating_hosts()))

    def _revert(self, host_run: HostRun) -> None:
        migrations, old = self.session.settings.migrations, host_run.old
        if migrations is None or migrations.revert is None or old is None:
            return
        shelf = host_run.seen.shelf
        for name in since(shelf.releases, self.target, shelf.current):
            # Written first: should this run be killed, the next one knows what to put right.
            host_run.new = replace(host_run.release, reverted=(*host_run.release.reverted, name))
            store.write(host_run.remote, host_run.paths, host_run.new)
            schema.run_migrations(host_run, old.id, migrations.revert)
            host_run.say(f"Migration reverted: {name}")


def _as_now(record: ServiceRecord, serving: Release | None, name: str) -> ServiceRecord:
    """A record with files of its own only where what serves has them: elsewhere somebody may have written.

    The project's folder has the release's files by then, too.
    """
    known = serving.services.get(name) if serving else None
    own = known.own_files if known else ()
    return replace(record, own_files=tuple(target for target in record.own_files if target in own))


def _copy(source: str, target: str, config_name: str) -> Command:
    title = "copy the definition"
    return host_script("release/copy", title=title, source=source, target=target, config=config_name)
