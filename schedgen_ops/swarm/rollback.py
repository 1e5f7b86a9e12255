"""The rollback on a Swarm: an earlier release's own files deployed again, under a new record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops import events
from schedgen_ops.commands import swarm_ops
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import code, pipeline
from schedgen_ops.deploy.pipeline import Pipeline, nothing
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import Refused
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId
from schedgen_ops.rollback.data import RestoredData
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.shell import sh
from schedgen_ops.steps import Step
from schedgen_ops.swarm import reverting, rolling, run
from schedgen_ops.swarm.manager import folder, numbered, seen
from schedgen_ops.swarm.session import SwarmSession


def rollback(
    session: Session,
    target: ReleaseId,
    *,
    revert: bool = False,
    data: RestoredData | None = None,
    decided: float = 0.0,
) -> Pipeline:
    """Return the pipeline that makes an earlier release serve again.

    Args:
        target: its id.
        revert: whether the migrations that came after it are taken back.
        data: what is restored into the database; None leaves it as it is.
        decided: when it was decided to go back, in seconds on the monotonic clock.

    Raises:
        TypeError: for a session that is on no Swarm.
    """
    on = run.of(session)
    it = _Rollback(on, target, revert, data, decided)
    back = reverting.services_back if revert else rolling.back
    steps = (
        pipeline.preflight(on),
        Step("", "Release and its files", it.find, gate=True),
        Step("1", "Restoring code", it.restore_code, undo=on.undoing(code.switch_back)),
        *((it.reverting(),) if revert else ()),
        *((Step("", "Restoring the database beside", it.prepare, undo=data.drop),) if data else ()),
        Step("2", "Rolling back services", it.roll, undo=it.with_data(on.undoing(back))),
        # It served before: it has shown that it stays up.
        run.verification(on, 3, "Post-rollback verification", settle=False),
        run.clean_up(on, 4, data.settle if data else nothing),
    )
    return Pipeline(on, steps)


@dataclass(frozen=True, slots=True)
class _Rollback:
    """The rollback's own parts."""

    session: SwarmSession
    target: ReleaseId
    revert: bool
    data: RestoredData | None
    decided: float

    def find(self) -> None:
        """Find the release, its files, and what takes back migrations or data, where that is asked for."""
        host_run = self.session.at_work
        host_run.old = host_run.seen.shelf.serving
        wanted = self._wanted()
        names = [name for name in wanted.services if not rolling.ends(wanted, name)]
        where = folder(host_run.paths, wanted.id)
        test = sh("ls", "--", *(f"{where}/{name}.json" for name in names))
        if not host_run.remote.run(test, deadline=60, check=False).ok:
            raise Refused(f"the files of release {wanted.id} are no longer there", host=host_run.remote.name)
        if self.revert:
            reverting.ready(host_run)
            if self.session.placed:
                self.session.placed.node()
        if self.data:
            self.data.check()
        code.try_hook(host_run)

    def _wanted(self) -> Release:
        host_run = self.session.at_work
        target = host_run.seen.shelf.get(self.target)
        if target is None or not target.good:
            raise Refused(f"release {self.target} cannot be gone back to", host=host_run.remote.name)
        return target

    def restore_code(self) -> None:
        """Check out the release's commit, and keep its files under the new record."""
        host_run, target = self.session.at_work, self._wanted()
        previous = host_run.old.id if host_run.old else NO_RELEASE
        new = self.session.release(target.commit, target.branch)
        kept = numbered(target.services, seen(host_run.context))
        services = {**target.services, **kept}
        host_run.new = replace(new, previous=previous, services=services, restores=target.id)
        store.write(host_run.remote, host_run.paths, host_run.new)
        host_run.run(sh("cp", "-a", "--", folder(host_run.paths, target.id), folder(host_run.paths, new.id)))
        counts = {name: record.replicas for name, record in kept.items()}
        host_run.run(swarm_ops.number(folder(host_run.paths, new.id), counts))
        # What Compose resolved, which a release is looked at by, and what a backup saves of one that serves.
        before = host_run.paths.release(target.id)
        resolved = (f"{before}/{name}.yaml" for name in ("owner", "compose"))
        host_run.run(sh("cp", "-p", "--", *resolved, host_run.paths.release(new.id)))
        code.check_out(host_run)
        if host_run.settings.delivered:
            host_run.run(secrets.use(host_run.settings, host_run.new.id, target.id))
        events.info(self.session.emit, f"Code restored: {host_run.new.version}")

    def reverting(self) -> Step:
        """Return the step that takes back the migrations that came since."""

        def run() -> None:
            reverting.revert(self.session.at_work, self.target)

        return Step("", "Reverting migrations", run, undo=self.session.undoing(reverting.again))

    def prepare(self) -> None:
        """Restore the backup beside what serves; record first what a recovery would have to put back."""
        if self.data is None:
            return
        host_run = self.session.at_work
        for restore in self.data.todo.values():
            host_run.new = replace(
                host_run.release, reached=True, restored=(restore.backup.id, restore.stamp)
            )
            store.write(host_run.remote, host_run.paths, host_run.new)
        self.data.prepare()

    def roll(self) -> None:
        """Bring all services; with the database, where that goes back too: neither may fit the other's."""
        if self.data is None:
            self._roll()
        else:
            self.data.swap(self._roll)

    def with_data(self, undo: Act) -> Act:
        """Return what puts services back, with the database where that went with them."""
        data = self.data
        return undo if data is None else lambda: data.back(undo)

    def _roll(self) -> None:
        """Bring all services at once, the ingress with them: they ran together before."""
        session, host_run = self.session, self.session.at_work
        run.begin(host_run)
        session.phase("during")
        release = host_run.release
        names = [name for name in release.services if not rolling.ends(release, name)]
        with session.ingresses.replaced(release):
            rolling.together(host_run, [*names, *((INGRESS,) if rolling.has(release, INGRESS) else ())])
        if not host_run.touched:
            events.info(session.emit, "No service differs: nothing had to be replaced")
            return
        seconds = session.clock.monotonic() - self.decided
        events.info(session.emit, f"{self.target} answers every request, {seconds:.1f}s after the decision")
        session.emit(events.Fact("answering", seconds))
