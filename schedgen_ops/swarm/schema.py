"""A command of the migrations run by hand on a Swarm: as the job that a deploy has, with other words."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from schedgen_ops import events
from schedgen_ops.commands import files
from schedgen_ops.commands.docker import SERVICE_LABEL
from schedgen_ops.errors import CommandTimedOut, OpsError
from schedgen_ops.host_context import QUICK, ContextOf
from schedgen_ops.ops import migrating
from schedgen_ops.ops.services import serving
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.swarm.manager import MIGRATING, commands

_LOOKING = "schedgen-look"
_DEPLOY = "`inv deploy` makes one of the release that it brings."


def in_a_job(context: ContextOf, release: str = "") -> migrating.Once:
    """Return what runs a command as a job of a release's image, wherever the Swarm places it.

    Args:
        context: gives the manager with what is needed to work there.
        release: the folder of the release; "" for the one that serves.
    """

    def once(
        remote: Remote, settings: Settings, emit: events.Emit, argv: Sequence[str], what: str
    ) -> tuple[str, ...]:
        limit = int(migrating.asked(settings).deadline)
        folder = release or serving(remote, settings)
        if not folder:
            raise OpsError("no release of ours serves here", host=remote.name, hint=_DEPLOY)
        # Nobody waits for a look: it is none of those that may be at work.
        looks = argv == migrating.asked(settings).show
        name = f"{_LOOKING}-{secrets.token_hex(3)}" if looks else MIGRATING
        path = f"{folder}/swarm/by-hand-{name}.json"
        told = _told(remote, f"{folder}/swarm/{MIGRATING}.json", name, argv)
        remote.run(files.replace(path, told), deadline=QUICK)
        said: list[str] = []

        def on_line(line: str) -> None:
            said.append(line)
            emit(events.Output(line, remote.name))

        try:
            command = commands(context(remote)).job(path, name, limit)
            result = remote.stream(command, on_line, deadline=limit + 2 * QUICK, check=False)
        except CommandTimedOut as error:
            raise migrating.failed(remote, what, f"took longer than {limit} s", said) from error
        finally:
            remote.run(sh("rm", "-f", "--", path), deadline=QUICK, check=False)
        if not result.ok:
            how = (result.stderr.strip().splitlines() or [f"exit code {result.code}"])[-1]
            raise migrating.failed(remote, what, f"failed: {how.removeprefix(f'{name}: ')}", said)
        return tuple(said)

    return once


def _told(remote: Remote, path: str, name: str, argv: Sequence[str]) -> str:
    """The file of the release's job, with another name and command."""
    found = remote.run(files.read(path).kept_private(), deadline=QUICK, check=False)
    try:
        document = json.loads(found.stdout)
        service = document["services"].pop(MIGRATING)
    except (ValueError, LookupError, TypeError):
        text = "the release that serves has no job for migrations"
        raise OpsError(text, host=remote.name, hint=_DEPLOY) from None
    # What a stack takes for a variable is written twice.
    service["command"] = [word.replace("$", "$$") for word in argv]
    service["labels"][SERVICE_LABEL] = name
    document["services"][name] = service
    return json.dumps(document, sort_keys=True, indent=1)
