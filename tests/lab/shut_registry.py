"""The registry of a Swarm, shut for who has no password, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

import bcrypt

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import LABEL, NETWORK, REGISTRY, REGISTRY_IMAGE, REGISTRY_NAME

_NAME = f"{REGISTRY}-shut"
_SHUT = {
    "REGISTRY_AUTH": "htpasswd",
    "REGISTRY_AUTH_HTPASSWD_REALM": "lab",
    "REGISTRY_AUTH_HTPASSWD_PATH": "/htpasswd",
}


@contextmanager
def shut_registry(user: str, password: str) -> Iterator[None]:
    """Another registry under the name of the Swarm's own, for one user; nothing is in it."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()
    docker.succeeds("rm", "--force", "--volumes", _NAME)
    docker.run("stop", REGISTRY)
    try:
        told = (f"--env={name}={value}" for name, value in _SHUT.items())
        where = (f"--network={NETWORK}", f"--network-alias={REGISTRY_NAME}", f"--label={LABEL}")
        docker.run("create", f"--name={_NAME}", *where, *told, REGISTRY_IMAGE)
        # One that finds no file makes its own.
        with NamedTemporaryFile("w") as file:
            file.write(f"{user}:{hashed}\n")
            file.flush()
            docker.run("cp", file.name, f"{_NAME}:/htpasswd")
        docker.run("start", _NAME)
        yield
    finally:
        docker.succeeds("rm", "--force", "--volumes", _NAME)
        docker.run("start", REGISTRY)
