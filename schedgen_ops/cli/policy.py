"""What an environment asks of a deploy, asked; and `inv deploy.approve`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from schedgen_ops import events
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.clock import stamp
from schedgen_ops.commands import git
from schedgen_ops.commands.ref_names import Ref, is_commit
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.policy import approvals, rules
from schedgen_ops.preflight.code import unclear
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import State
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.task_run import Operation


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a deploy may begin, by the environment's policy.

    Attributes:
        ref: the branch, tag or commit that was asked for.
        force: the reason to go on without what policy asks for; "" for none. Other persons' approval is
            needed all the same.
    """

    op: Operation
    ref: Ref
    force: str = ""

    def before(self) -> None:
        """Refuse what the time or the name speaks against, before any host is asked; tell what is forced.

        Raises:
            Refused: unless it is forced.
        """
        policy = self.op.settings.policy
        self._unless_forced(rules.against(policy, self.ref, self.op.clock.now()))
        if policy.after and self.force:
            # An emergency does not wait for it, but nobody may think that it was passed.
            text = f"{policy.after} was not asked whether {self.ref} was verified there"
            events.warn(self.op.emit, f"{text}; forced: {self.force}")

    @property
    def of_hosts(self) -> bool:
        """Whether it needs to know from the hosts which commit is meant."""
        policy = self.op.settings.policy
        return bool(policy.after or policy.approvals)

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return what the run's title, log and journal say of it."""
        return (("Forced", self.force),) if self.force else ()

    def __call__(self, seen: Mapping[str, Observed]) -> None:
        """Refuse a commit that was not verified before, or that nobody else approved.

        Raises:
            Refused: unless the first is forced.
        """
        # Whoever waited for the lock may have come into a freeze.
        if not self.force:
            self.before()
        self._unless_forced(self._unverified(seen))
        if missing := self._unapproved(seen):
            raise _refused(missing, f"Somebody else runs `inv deploy.approve --branch {self.ref}`.")

    def _unless_forced(self, found: Iterator[str]) -> None:
        against = list(found)
        if against and not self.force:
            hint = '`--force "REASON"` deploys all the same; the reason is kept in the journal.'
            raise _refused("; ".join(against), hint)
        for each in against:
            events.warn(self.op.emit, f"{each}; forced: {self.force}")

    def _unverified(self, seen: Mapping[str, Observed]) -> Iterator[str]:
        after = self.op.settings.policy.after
        if not after or self.force:
            return
        other = self.op.elsewhere(after)
        for commit in sorted({found.means for found in seen.values()}):
            if missing := lacking(other, commit):
                yield f"{commit[:12]} was not verified in {after} yet: {', '.join(missing)}"

    def _unapproved(self, seen: Mapping[str, Observed]) -> str:
        """What is missing, in words; the approvals are told where nothing is."""
        policy = self.op.settings.policy
        if not policy.approvals:
            return ""
        user = lock.myself(self.op.clock, "", "").user
        for host, found in seen.items():
            there = approvals.given(found.approvals, found.means, user)
            if text := approvals.missing(policy, there):
                return f"{found.means[:12]} is not approved on {host}: {text}"
        given = {each.code: each for found in seen.values() for each in found.approvals}
        for each in approvals.given(tuple(given.values()), next(iter(seen.values())).means, user):
            events.info(self.op.emit, f"Approved by {each.by} (code {each.code})")
        return ""


def _refused(text: str, hint: str) -> Refused:
    return Refused(text, hint=f"{hint}\nNothing was changed.")


def lacking(other: Operation, commit: str) -> tuple[str, ...]:
    """Return the hosts of another environment on which `commit` never served and was verified.

    Raises:
        OpsError: where one cannot be asked: that is no pass.
    """
    shelves = other.fleet.each(store.reader(other.settings))
    if error := shelves.error():
        error.message = f"whether {commit[:12]} was verified in {other.settings.environment}: {error.message}"
        raise error
    return tuple(host for host, shelf in shelves.ok.items() if not _verified(shelf, commit))


def _verified(shelf: store.Shelf, commit: str) -> bool:
    done = (release for release in shelf.releases if release.state is State.DONE)
    return any(release.commit.startswith(commit) for release in done)


def approve(op: Operation, ref: Ref) -> None:
    """Leave an approval of what `ref` means now on every host.

    Raises:
        ConfigError: for what has no commit.
        Refused: where the operator does not say yes, or the hosts do not agree.
    """
    meant = look(op, partial(_meant, settings=op.settings, ref=ref))
    conclude(meant)
    commits = sorted(set(meant.ok.values()))
    if len(commits) != 1:
        raise Refused(f"the hosts do not agree on what {ref.name!r} is: {', '.join(commits)}")
    note = f"`inv deploy.plan --branch {ref}` shows what it changes."
    if not op.ui.confirm(f"Do you approve {ref}, which is {commits[0]}?", note, yes=op.options.yes):
        raise Refused("nothing was approved")
    me = lock.myself(op.clock, "", "")
    approval = approvals.Approval(commits[0], me.person, stamp(op.clock.now()), secrets.token_hex(4))
    rows = Rows(op, ("Host", "Commit", "By", "Code"))

    def show(came: Mapping[str, approvals.Approval]) -> None:
        rows.add([(host, each.commit[:12], each.by, each.code) for host, each in came.items()])

    conclude(look(op, partial(_leave, settings=op.settings, approval=approval), show))


def _meant(remote: Remote, settings: Settings, ref: Ref) -> str:
    """The full id of the commit that `ref` is on the git remote now."""
    command = git.advertised(settings.remote, ref).in_dir(settings.directory)
    found = git.parse_advertised(remote.run(command, deadline=60).stdout, ref)
    if problem := unclear(found, ref, settings.remote):
        raise Refused(problem.text, host=remote.name, hint=problem.hint)
    if not found and not (is_commit(ref.name) and len(ref.name) >= 40):
        raise ConfigError(
            f"{ref.name!r} is a part of a commit's id", hint="Approve the full id, a branch or a tag."
        )
    return found or ref.name


def _leave(remote: Remote, settings: Settings, approval: approvals.Approval) -> approvals.Approval:
    remote.run(approvals.leave(Paths(settings.directory), approval), deadline=60)
    return approval
