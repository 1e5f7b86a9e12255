"""What is not in order on a host once a run was ended and the next command was given."""

from __future__ import annotations

import re
import urllib.error
from collections import Counter
from collections.abc import Iterator

import deploy_kit as kit
from box import Box, Ran

_BOXES = (
    "docker ps -a --filter label=com.docker.compose.project=schedgen "
    "--format '{{.Label \"com.docker.compose.service\"}} {{.State}} {{.Names}}'"
)
INGRESS = "schedgen-ingress"


def not_home(host: Box, ran: Ran, *, ingress: bool = True) -> Iterator[str]:
    """What is wrong after `ran`, which should have put everything right.

    Args:
        ingress: whether it must be there; else it may be.
    """
    if ran.code:
        yield f"exit {ran.code}: {ran.output}"
    # What the rest is asked of.
    if found := list(containers(host, ingress=ingress)):
        yield from found
    else:
        yield from release(host)


def release(host: Box) -> Iterator[str]:
    """What is not as the release that is said to serve has it."""
    records = {record["id"]: record for record in kit.records(host)}
    current = records[host.sh("cat .schedgen/current")]
    for service in ("backend", "frontend", "pdf-worker"):
        id_of = f"docker inspect --format '{{{{.Image}}}}' $(docker ps -q --filter name=schedgen-{service}-)"
        if host.sh(id_of) != current["services"][service]["image_id"]:
            yield f"{service} is not of {current['id']}"
    if host.sh("git rev-parse HEAD") != current["commit"]:
        yield "the work tree has another commit"
    if begun := [name for name, record in records.items() if record["state"] == "STARTED"]:
        yield f"still begun: {begun}"
    if not kit.lock_is_free(host):
        yield "the lock is held"
    good = {name for name, record in records.items() if record["state"] in ("DONE", "ADOPTED")}
    tags = {name.rpartition(":")[2] for name in kit.images(host)} - {"latest"}
    if tags - good:
        yield f"images of {tags - good}"
    if parts := [name for name in kit.backups(host) if name.endswith(".part")]:
        yield f"unfinished backups: {parts}"
    if (said := version(host)) and current["state"] == "DONE" and f"v{said}" != current["branch"]:
        yield f"{said} answers, {current['branch']} should"


def containers(host: Box, *, ingress: bool) -> Iterator[str]:
    """What is not one running container of each service, and perhaps of the ingress, that answers."""
    boxes = [line.split() for line in host.sh(_BOXES).splitlines()]
    count = Counter(service for service, _, _ in boxes)
    wanted = kit.SERVICES | {INGRESS} if ingress else kit.SERVICES | ({INGRESS} & set(count))
    if set(count) != wanted or max(count.values()) > 1:
        yield f"containers: {boxes}"
    if stopped := [name for _, state, name in boxes if state != "running"]:
        yield f"not running: {stopped}"
    names = host.sh("docker ps --all --format '{{.Names}}'").split()
    if strange := [name for name in names if not re.fullmatch(r"schedgen-[a-z-]+-\d+", name)]:
        yield f"nobody's: {strange}"
    policies = "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' $(docker ps -aq) | sort -u"
    if host.sh(policies) != "unless-stopped":
        yield "not everything comes back after a reboot"
    if not version(host):
        yield "nobody answers"


def version(host: Box) -> str:
    """The release that serves by its own word, once the front answers too; "" where one of them does not."""
    try:
        return host.version() if "<html" in host.get("/", port=3000) else ""
    except (OSError, urllib.error.URLError):
        return ""


def untrue(host: Box, ran: Ran) -> Iterator[str]:
    """What a run said of the host that is not so, before anybody does anything more."""
    says = "still serves" in ran.output or " serves" in ran.stdout.splitlines()[-1:]
    if (says or ran.code in (0, 3, 4)) and not version(host):
        yield f"exit {ran.code}, and nobody answers: {ran.output}"
