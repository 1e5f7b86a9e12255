"""What the containers that run say of a release: what they keep, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import docker as engine
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.host_context import QUICK
from schedgen_ops.rollout import counting, state


def keeping(
    host_run: HostRun, services: Iterable[c.Service], tracked: Mapping[str, str]
) -> tuple[c.Service, ...]:
    """Return services with what the images of the containers that run say of their state."""
    boxes, settings = host_run.seen.containers, host_run.settings
    ids = tuple(dict.fromkeys(box.image for box in boxes))
    answer = host_run.remote.run(host_run.docker.images_told(*ids), deadline=QUICK, check=False)
    known = {image.id: image.volumes for image in engine.parse_images(answer.stdout)}
    declared = {box.service: known[box.image] for box in boxes if box.image in known}
    return state.judged(services, settings, declared, tracked)


def counted(host_run: HostRun) -> None:
    """Have as many containers on the way back, too, as run now, where no compose file says a number."""
    if host_run.old is None:
        return
    host_run.old = counting.kept(host_run.old, host_run.containers(), [host_run.release])
    for name, record in host_run.release.services.items():
        if not record.counted and record.replicas > 1:
            host_run.say(f"Service {name} keeps {record.replicas} containers, as they run")
