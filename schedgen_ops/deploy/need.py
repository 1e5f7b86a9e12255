"""The disk that a deploy may need at most: its images and its backup."""

from __future__ import annotations

from collections.abc import Iterable

from schedgen_ops.commands import docker as engine
from schedgen_ops.databases import engine_of
from schedgen_ops.host_context import HostContext
from schedgen_ops.objects import store_of


def needed(
    host: HostContext,
    boxes: Iterable[engine.Container],
    services: Iterable[tuple[str, str, str, str]],
) -> int:
    """Return the bytes of disk that a deploy may take.

    Args:
        services: (name, action, why, how) of each service, see `forecast.Row`.
    """
    docker, settings = host.docker, host.settings
    running = {box.service: box for box in boxes if box.status == "running"}
    built = [running[name].image for name, _, why, _ in services if "built" in why and name in running]
    commands = []
    if built:
        commands.append(docker("image", "inspect", "--format", "{{.Size}}", *built))
    database, objects = settings.database, settings.objects
    if database and database.service in running:
        box = running[database.service].id
        commands.append(engine_of(database.engine).size(docker, box, database))
    if objects and objects.service in running:
        commands.append(store_of(objects.kind).size(docker, running[objects.service].id, objects))
    results = host.remote.batch(commands, deadline=60) if commands else ()
    return sum(int(line) for result in results if result.ok for line in result.lines() if line.isdigit())
