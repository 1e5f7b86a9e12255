"""Approvals of a commit, which other persons leave on the hosts. Pure.

Who somebody is, is what their machine says, as in the lock and in records: a host that all reach as one user
cannot tell them apart. An approval keeps a mistake from going out alone; it is no defence against malice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from schedgen_ops import json_records
from schedgen_ops.commands import files
from schedgen_ops.commands.ref_names import is_commit
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings.policy import Policy
from schedgen_ops.shell import Command
from schedgen_ops.text import plural


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's consent to a commit.

    Attributes:
        commit: its full id.
        by: user@machine.
        at: when, RFC 3339.
        code: what the two persons can compare.
    """

    commit: str
    by: str
    at: str
    code: str

    @property
    def user(self) -> str:
        """The person, whatever machine it was."""
        return self.by.partition("@")[0]


def leave(paths: Paths, approval: Approval) -> Command:
    """Return the command that leaves an approval on a host.

    Raises:
        ValueError: for a commit that is no full id, or a code that is no hexadecimal number.
    """
    if not is_commit(approval.commit) or len(approval.commit) < 40 or not is_commit(approval.code):
        raise ValueError(f"no approval: {approval}")
    path = f"{paths.state}/approvals/{approval.commit}/{approval.code}.json"
    return files.replace(path, json.dumps(asdict(approval)) + "\n")


def listing(paths: Paths) -> Command:
    """Return the command that lists the approvals on a host."""
    return host_script("policy/approvals", title="list approvals", state=paths.state)


def parse(stdout: str) -> tuple[Approval, ...]:
    """Read the answer of `listing`; what is no approval counts as none."""
    found = []
    for line in stdout.splitlines():
        try:
            found.append(json_records.parse(Approval, line))
        except ValueError:
            continue
    return tuple(found)


def given(approvals: Sequence[Approval], commit: str, user: str) -> tuple[Approval, ...]:
    """Return the approvals of a commit by others than `user`, one a person.

    Args:
        commit: its id, or the first characters of it.
    """
    others = {each.user: each for each in approvals if each.commit.startswith(commit) and each.user != user}
    return tuple(others.values()) if commit else ()


def missing(policy: Policy, found: Sequence[Approval]) -> str:
    """Return what is missing, in words; "" for nothing."""
    if len(found) >= policy.approvals:
        return ""
    have = f", and has {', '.join(each.by for each in found)}" if found else ", and has none"
    return f"it needs {plural(policy.approvals, 'approval')} of others{have}"
