"""The rollback on every host, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from schedgen_ops import events
from schedgen_ops.commands import files
from schedgen_ops.deploy import cleaning, code, images, services
from schedgen_ops.deploy.base import Change
from schedgen_ops.deploy.site import Site
from schedgen_ops.errors import Refused
from schedgen_ops.release import store
from schedgen_ops.release.record import since
from schedgen_ops.rollback.data import Data
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import scope, scripts
from schedgen_ops.rollout.strategy import together
from schedgen_ops.shell import Command, sh
from schedgen_ops.steps import Step


@dataclass(slots=True)
class Rollback(Change):
    """The release `target` made to serve again on every host of the fleet.

    Attributes:
        target: its id.
        revert: whether the migrations that came after it are taken back.
        data: what is restored into the database; None leaves it as it is.
        decided: when it was decided to go back, in seconds on the monotonic clock.
    """

    target: str = ""
    # It served before: it has shown that it stays up.
    settle: bool = False
    revert: bool = False
    data: Data | None = None
    decided: float = 0.0

    def steps(self) -> tuple[Step, ...]:
        """The plan: no build, no fetch; only what is kept on the hosts."""
        back = self._each(services.reopen)
        return (
            Step("", "Pre-flight Checks", self.preflight, gate=True),
            Step("", "Release and images", self.find, gate=True),
            Step("1", "Restoring code", self.restore_code, undo=self._each(code.switch_back)),
            *((self._reverting(),) if self.revert else ()),
            *self._restoring(),
            self._gate(),
            Step("2", "Rolling back services", self.roll_all, undo=self._each(self._roll_back)),
            *self._exchanging(),
            Step("3", "Post-rollback verification", self.verify, undo=back, settles=True),
            Step("4", "Cleaning up old images", self.clean_up, stays=cleaning.QUESTION),
        )

    def _reverting(self) -> Step:
        # The newer release goes on serving then: it needs the schema that it had.
        undo = self._each(lambda site: images.migrate_again(site, site.release, site.old))
        return Step("", "Reverting migrations", self.revert_migrations, undo=undo)

    def _restoring(self) -> tuple[Step, ...]:
        data = self.data
        if data is None:
            return ()
        return (Step("", "Restoring the database beside", partial(self.prepare, data), undo=data.drop),)

    def _exchanging(self) -> tuple[Step, ...]:
        data = self.data
        return (Step("", "Exchanging the database", data.swap, undo=data.back),) if data else ()

    def find(self) -> None:
        """The release is known everywhere, and its images and, if asked for, its backup are there."""
        self._do(self._find)
        self._do(code.try_hook)
        if self.data is not None:
            self.data.check()

    def _find(self, site: Site) -> None:
        site.old = site.seen.shelf.serving
        target = site.seen.shelf.get(self.target)
        if target is None or not target.good:
            raise Refused(f"release {self.target} cannot be gone back to", host=site.remote.name)
        names = [record.image for record in target.services.values()]
        if site.remote.run(site.docker.image_ids(*names), deadline=60, check=False).ok:
            return
        answers = site.remote.batch([site.docker.image_ids(name) for name in names], deadline=60)
        lost = [name for name, answer in zip(names, answers, strict=True) if not answer.ok]
        if lost:
            raise Refused(f"images are no longer there: {', '.join(lost)}", host=site.remote.name)

    def restore_code(self) -> None:
        """The work tree at the release's commit, and its definition under the new record."""
        self._do(self._restore_code)
        events.info(self.emit, f"Code restored: {self.sites[0].release.commit[:12]}")

    def _restore_code(self, site: Site) -> None:
        target = site.seen.shelf.get(self.target)
        assert target is not None
        previous = site.old.id if site.old else ""
        new = replace(self._release(target.commit), previous=previous, services=target.services)
        site.new = replace(new, branch=target.branch, restores=target.id)
        store.write(site.remote, site.paths, site.new)
        source, folder = site.paths.release(target.id), site.paths.release(site.new.id)
        site.run(_copy(source, folder))
        text = site.run(files.read(f"{source}/overlay.json")).stdout
        site.run(site.compose.pin(folder, rollout.relabelled(text, site.new.id)))
        code.check_out(site)
        code.keep_logs(site, aside=True)

    def prepare(self, data: Data) -> None:
        """The backup restored beside what serves; who recovers from here on knows what to put back."""
        for name, restore in data.todo.items():
            site = self._site(self.fleet[name])
            site.new = replace(site.release, restored=(restore.backup.id, restore.stamp))
            store.write(site.remote, site.paths, site.new)
        data.prepare()

    def clean_up(self) -> None:
        """What was replaced, removed; nothing goes on with the database that was put aside."""
        if self.data is not None:
            with cleaning.as_warning(self.emit):
                self.data.settle()
        Change.clean_up(self)

    def roll_all(self) -> None:
        """Every service at once, where that is safe: all of them ran together before."""
        self._do(self._roll_all, batch=self.settings.rollout.batch)
        # A worker that ends its last job is in nobody's way.
        if not self.touched:
            events.info(self.emit, "No service differs: nothing had to be replaced")
            return
        answering = max(site.answering for site in self.sites) or self.clock.monotonic()
        seconds = answering - self.decided
        events.info(self.emit, f"{self.target} answers every request, {seconds:.1f}s after the decision")
        self.emit(events.Fact("answering", seconds))

    def _roll_all(self, site: Site) -> None:
        # The newer release is not wanted any more: it has nothing left to answer while it stands by.
        site.share = scripts.ALL
        services.roll(site, self._order(site), together)

    def _order(self, site: Site) -> list[str]:
        return scope.order(self.settings, site.release.services)

    def _roll_back(self, site: Site) -> None:
        services.roll_back(site, self._order(site) if site.new else ())

    def revert_migrations(self) -> None:
        """The schema as the release knew it, by the newer image, which has the way back."""
        chosen = {host.name for host in self.settings.migrating_hosts()}
        self._do(self._revert, only=chosen)

    def _revert(self, site: Site) -> None:
        migrations, old = self.settings.migrations, site.old
        if migrations is None or old is None:
            return
        for name in migrations_since(site, self.target):
            # Written first: should this run be killed, the next one knows what to put right.
            site.new = replace(site.release, reverted=(*site.release.reverted, name))
            store.write(site.remote, site.paths, site.new)
            images.run_migrations(site, old.id, migrations.revert)
            site.say(f"Migration reverted: {name}")


def migrations_since(site: Site, target: str) -> tuple[str, ...]:
    """The migrations that releases after `target` brought to a host."""
    return since(site.seen.shelf.releases, target, site.seen.shelf.current)


def _copy(source: str, target: str) -> Command:
    return sh("cp", "-p", "--", f"{source}/owner.yaml", f"{source}/haproxy.cfg", target)
