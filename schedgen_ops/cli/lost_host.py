"""What `inv backup.restore --from-offsite` does where nothing runs: the release comes back with its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.cli.deploy import carry_out
from schedgen_ops.cli.locking import locked
from schedgen_ops.cli.offsite import FETCHING
from schedgen_ops.command_errors import checked
from schedgen_ops.commands import docker
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_context import QUICK
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation


def is_lost(op: Operation) -> bool:
    """Return whether nothing of the project runs on the chosen hosts, nor ever did.

    Raises:
        Refused: where that is so on some of them only.
    """
    found = op.fleet.each(lambda remote: _blank(op, remote)).values()
    if all(found) or not any(found):
        return all(found)
    lost = ",".join(name for name, blank in zip(op.fleet.names, found, strict=True) if blank)
    raise Refused(f"nothing runs on {lost}, and something does on the others", hint=f"Choose: --hosts {lost}")


def _blank(op: Operation, remote: Remote) -> bool:
    settings = op.settings
    listed = docker.Docker(settings.sudo).containers(settings.project)
    asked = (listed, store.read_command(Paths(settings.directory)))
    answers = remote.batch(asked, deadline=QUICK)
    listing, shelf = (checked(*pair, remote.name).stdout for pair in zip(asked, answers, strict=True))
    return store.parse_shelf(shelf).blank(docker.parse_containers(listing))


def bring_home(op: Operation, found: Mapping[str, Manifest], fetch: Callable[[], None]) -> None:
    """Deploy what a backup was made of, so that it begins with the backup's data; after asking.

    Args:
        found: the backup of each host that holds data.
        fetch: brings it there, with the env file where there is none.

    Raises:
        Refused: for an answer that was no.
        OpsError: where the backups were not made of one commit.
    """
    commits = sorted({backup.commit for backup in found.values()})
    if len(commits) != 1 or not commits[0]:
        made = ", ".join(filter(None, commits)) or "none that is known"
        raise OpsError(
            f"the backup was not made of one commit: {made}", hint="Restore host by host: --hosts."
        )
    names = ", ".join(sorted({backup.id for backup in found.values()}))
    notes = (
        f"Nothing runs on {', '.join(op.fleet.names)}: what the backup was made of is deployed there",
        *(f"{host}: {backup.id}, made {backup.created}" for host, backup in found.items()),
        f"Commit: {commits[0]}",
    )
    if not op.ui.confirm("Do you want to bring it back?", *notes, yes=op.options.yes):
        raise Refused("nothing was changed")

    def fetched() -> None:
        with locked(op, op.fleet, "backup pull", names):
            fetch()

    def assembled(session: Session) -> Pipeline:
        session.seeds = found
        first = Step("", FETCHING, fetched, gate=True)
        whole = deploy(session)
        return replace(whole, steps=(first, *whole.steps))

    # No policy keeps a production that is gone from coming back.
    force = f"nothing runs on {', '.join(op.fleet.names)}, it is restored from {names}"
    carry_out(op, op.settings, Ref(commits[0]), assembled, ("Restoring", names), force=force)
