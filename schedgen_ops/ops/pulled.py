"""Images of the serving release pulled again, by their digests, where releases are images."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands import registry
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths


def again(host: HostContext, services: Sequence[str]) -> None:
    """Pull what the serving release runs, exactly as it was, and give it the release's names.

    Args:
        services: their names; none is every service whose image was pulled.

    Raises:
        OpsError: where no release serves, or a registry does not give an image.
    """
    serving = store.read(host.remote, Paths(host.settings.directory)).serving
    if serving is None:
        raise OpsError("nothing was deployed by us yet", host=host.name, hint="`inv deploy` pulls images.")
    login, docker, deadline = host.login, host.docker, host.settings.build.deadline
    for name, record in serving.services.items():
        if not record.digest or (services and name not in services):
            continue
        theirs = login if registry.at(login, record.digest) else None
        command = registry.pull(docker, theirs, (record.digest,))
        host.run(command, deadline)
        host.run(docker.tag(record.digest, record.image), QUICK)
        host.say(f"{name}: {record.digest} is {record.image}")
    if host.settings.on_swarm:
        host.say("Only here: another node pulls an image by its digest when it gets a container of it")
