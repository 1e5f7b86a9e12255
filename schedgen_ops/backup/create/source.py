"""The source of a backup, found on a host."""

from __future__ import annotations

from schedgen_ops.backup.create.run import Source
from schedgen_ops.backup.data_location import running
from schedgen_ops.commands import git
from schedgen_ops.host_context import HostContext
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import NO_RELEASE


def source_of(host: HostContext) -> Source:
    """Return the release that serves on a host, and its containers."""
    containers = running(host)
    serving = store.read(host.records or host.remote, Paths(host.settings.directory)).serving
    if serving:
        return Source(serving.id, serving.commit, containers)
    if host.records:
        return Source(NO_RELEASE, "", containers)
    # Nothing was deployed by us yet: what is checked out is what runs, as far as anyone knows.
    answer = host.run(git.work_tree().in_dir(host.settings.directory), check=False)
    commit = git.parse_work_tree(answer.stdout).commit if answer.ok else ""
    return Source(NO_RELEASE, commit, containers)
