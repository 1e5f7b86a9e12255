"""Registries of a Swarm that are shut for who has no password, for as long as a block lasts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from tempfile import NamedTemporaryFile

import bcrypt
from box import Box
from deploy_kit import PATIENCE, wait_for

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import LABEL, NETWORK, REGISTRY, REGISTRY_IMAGE, REGISTRY_NAME

_SHUT = {
    "REGISTRY_AUTH": "htpasswd",
    "REGISTRY_AUTH_HTPASSWD_REALM": "lab",
    "REGISTRY_AUTH_HTPASSWD_PATH": "/htpasswd",
}


@contextmanager
def shut_registry(user: str, password: str, name: str = REGISTRY_NAME) -> Iterator[None]:
    """Another registry for one user, with nothing in it.

    Args:
        name: what nodes call it; the Swarm's own is away meanwhile where that is its name.
    """
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()
    container = f"{REGISTRY}-shut-{name}"
    docker.succeeds("rm", "--force", "--volumes", container)
    if name == REGISTRY_NAME:
        docker.run("stop", REGISTRY)
    try:
        told = (f"--env={key}={value}" for key, value in _SHUT.items())
        where = (f"--network={NETWORK}", f"--network-alias={name}", f"--label={LABEL}")
        docker.run("create", f"--name={container}", *where, *told, REGISTRY_IMAGE)
        # One that finds no file makes its own.
        with NamedTemporaryFile("w") as file:
            file.write(f"{user}:{hashed}\n")
            file.flush()
            docker.run("cp", file.name, f"{container}:/htpasswd")
        docker.run("start", container)
        yield
    finally:
        docker.succeeds("rm", "--force", "--volumes", container)
        if name == REGISTRY_NAME:
            docker.run("start", REGISTRY)


@contextmanager
def trusted(nodes: Sequence[Box], server: str) -> Iterator[None]:
    """A registry that engines speak to without TLS, as they do to the Swarm's own."""
    own = f"{REGISTRY_NAME}:5000"
    try:
        for box in nodes:
            _told(box, own, server)
            wait_for(partial(_trusts, box, server), f"{box.name} to trust {server}", PATIENCE)
        yield
    finally:
        for box in nodes:
            _told(box, own)


def _trusts(box: Box, server: str) -> bool:
    return server in box.sh("docker info")


def _told(box: Box, *servers: str) -> None:
    """Whatever a test that was killed has left."""
    change = f's/"insecure-registries": [^]]*]/"insecure-registries": {json.dumps(servers)}/'
    box.sh(f"sed -i '{change}' /etc/docker/daemon.json; kill -HUP $(cat /run/docker.pid)", user="root")
