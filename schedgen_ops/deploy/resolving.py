"""What the owner's compose file means for a release, resolved once and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import files, git
from schedgen_ops.commands.own_files import Tracked, parse_tracked
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import picked, scope, state
from schedgen_ops.rollout import plan as rollout


def resolve(
    host_run: HostRun, release_id: ReleaseId, commit: str, tag: str = ""
) -> tuple[tuple[c.Service, ...], Tracked]:
    """Keep the resolved compose file for a release; return its services and what is told of mounted files.

    Args:
        commit: "" where releases are images.
        tag: what a release picks of images; "" for a commit, and for what runs as it stands.
    """
    settings = host_run.settings
    command = host_run.orchestrator.resolve(host_run.paths.release(release_id), picked.pick(settings, tag))
    found = picked.known(settings, c.parse_resolved(host_run.run(command).stdout), tag)
    known = host_run.old.services if host_run.old else {}
    services = scope.seen_to_end(found, host_run.seen.containers, known)
    tracked = _tracked(host_run, services, commit)
    return state.judged(services, settings, {}, tracked.ids), tracked


def _tracked(host_run: HostRun, services: Sequence[c.Service], commit: str) -> Tracked:
    directory = host_run.settings.directory
    if host_run.settings.from_git:
        paths = rollout.mounted(services, directory)
        command = git.tree_ids(commit, paths, host_run.settings.env_file)
    else:
        paths = picked.own_mounts(services, directory)
        command = host_script("deploy/file_ids", title="look at mounted files", paths=paths)
    return parse_tracked(host_run.in_project(command).stdout)


def kept(host_run: HostRun, release_id: ReleaseId) -> Any:
    """Return the definition that `resolve` has kept of a release, as its owner wrote it.

    Raises:
        OpsError: where it cannot be read.
    """
    path = f"{host_run.paths.release(release_id)}/owner.yaml"
    text = host_run.run(files.read(path).kept_private()).stdout
    try:
        return json.loads(text)
    except ValueError as error:
        raise not_read(host_run, release_id) from error


def not_read(host_run: HostRun, release_id: ReleaseId) -> OpsError:
    """Return the error of a kept definition that is none."""
    path = f"{host_run.paths.release(release_id)}/owner.yaml"
    return OpsError(f"{path} is no definition", host=host_run.remote.name)
