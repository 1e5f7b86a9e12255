"""The command that performs an operation on a host: sent over SSH, or given to the host's own guard. Pure."""

from __future__ import annotations

from functools import reduce
from typing import assert_never
from urllib.parse import urlsplit

from schedgen_ops.commands import git
from schedgen_ops.release.record import Release
from schedgen_ops.rollout import operations as o
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.reach import CutOff, Join
from schedgen_ops.rollout.versions import Version
from schedgen_ops.rollout.work_tree import CheckOut, GoBack
from schedgen_ops.secrets import remote_commands as secrets
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, sh


class OperationRenderer(Project):
    """Commands for one host's project."""

    __slots__ = ()

    def __call__(self, operation: o.Operation) -> Command:
        """The command that performs it."""
        match operation:
            case o.Bring(new=new, share=share):
                command = operation.how.command(self, new, share)
            case o.Retire(new=new) | o.Revert(new=new):
                command = self._end(new, back=isinstance(operation, o.Revert))
            case CutOff() | Join():
                command = self._reach(operation)
            case o.Remove(new=new):
                state = self.paths.state
                command = self.orchestrator.remove(state, new.service, release_id=new.release_id)
            case o.SetIngress():
                command = self._ingress(operation)
            case o.Name():
                command = self.name(operation)
            case CheckOut(commit=commit):
                command = git.checkout(commit).in_dir(self.settings.directory)
            case GoBack(commit, branch, leaves, env):
                back = git.back(commit, branch, leaves).in_dir(self.settings.directory)
                command = back if commit else sh("true")
                command = secrets.back(self.settings, env).and_then(command) if env else command
            case o.Untag(images):
                command = self.orchestrator.untag(images)
            case o.Unless(first, then):
                command = self._unless(first, then)
            case o.Keep():
                command = sh("true")
            case _ as never:
                assert_never(never)
        return command

    def _unless(self, first: o.Operation | None, then: tuple[o.Operation, ...]) -> Command:
        """Says `replaced` at the end of what it had to do."""
        chain = reduce(Command.and_then, [*map(self, then), sh("echo", "replaced")]) if then else sh("true")
        return self(first).or_else(chain) if first else chain

    def name(self, operation: o.Name, record: Release | None = None, *, beside: bool = False) -> Command:
        """As `promote` of an orchestrator, which tells what `record` and `beside` are."""
        release, services = operation.release_id, operation.services
        return self.orchestrator.promote(self.paths, release, services, record, beside=beside)

    def _end(self, new: Version, *, back: bool) -> Command:
        state, service = self.paths.state, new.service
        return self.orchestrator.retire(
            state,
            service,
            new.record,
            self.drain,
            proxy=self.proxy,
            release_id=new.release_id,
            back=back,
        )

    def _reach(self, operation: CutOff | Join) -> Command:
        state = self.paths.state
        if isinstance(operation, Join):
            return self.orchestrator.join(state, [each.service for each in operation.new])
        new, names = operation.new, operation.names
        at = (state, new.service, new.record, self.drain)
        return self.orchestrator.cut_off(*at, proxy=self.proxy, release_id=new.release_id, names=names)

    def _ingress(self, operation: o.SetIngress) -> Command:
        behind = {each.service: each.record for each in operation.behind}
        folder = self.paths.release(operation.release_id)
        return self.orchestrator.ingress(
            self.paths,
            folder,
            behind,
            self.wait,
            self.drain,
            proxy=self.proxy,
            repair=operation.repair,
            checks=tuple(map(_asked, filter(_is_here, self.settings.checks))) if operation.first else (),
        )


def _is_here(check: Check) -> bool:
    """Whether a check asks the host itself, by its loopback: another address may be anybody's."""
    host = urlsplit(check.url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _asked(check: Check) -> str:
    return f"{check.patience} {check.good} {check.asked}"
