"""A registry of images on a host of the lab: Debian's docker-registry, shut for who has no password."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import bcrypt
from box import Box

from schedgen_ops.lab import docker

PROGRAM = "/usr/bin/docker-registry"
SERVER = "localhost:5000"
_CONFIG = """
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /srv/registry}}
http: {addr: "127.0.0.1:5000"}
auth: {htpasswd: {realm: lab, path: /srv/registry.htpasswd}}
"""


def need_registry() -> None:
    """docker-registry, installed from Debian's packages where it is missing."""
    if shutil.which(PROGRAM) is None:
        for words in (("update",), ("install", "-y", "-qq", "--no-install-recommends", "docker-registry")):
            subprocess.run(["apt-get", *words], check=True, capture_output=True, timeout=300)


@contextmanager
def registry(box: Box, user: str, password: str) -> Iterator[None]:
    """A registry on a host, at `SERVER` there, for one user."""
    need_registry()
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()
    docker.run("cp", PROGRAM, f"{box.host.container}:{PROGRAM}")
    _as_root(box, "mkdir -p /srv/registry; cat > /srv/registry.yaml", _CONFIG)
    _as_root(box, "cat > /srv/registry.htpasswd", f"{user}:{hashed}\n")
    _as_root(
        box,
        f"cd /srv; setsid {PROGRAM} serve registry.yaml > registry.log 2>&1 & echo $! > registry.pid",
    )
    try:
        _as_root(box, "until (exec 3<> /dev/tcp/127.0.0.1/5000) 2> /dev/null; do sleep 0.1; done")
        yield
    finally:
        _as_root(box, f"kill $(cat /srv/registry.pid); rm -rf /srv/registry* {PROGRAM}")


def push(
    box: Box, user: str, password: str, images: dict[str, str], context: str, server: str = SERVER
) -> None:
    """Build a folder on the host once for each image, and leave that in the registry alone.

    Args:
        images: name with its tag, and the text of its file `version`.
        context: the folder.
        server: the registry.
    """
    signed = "docker --config /tmp/pushing"
    login = f"{signed} login -u {user} --password-stdin {server} 2> /dev/null"
    words = ("exec", "--interactive", "--user=deploy", box.host.container, "bash", "-ec", login)
    docker.run(*words, stdin=password, timeout=60)
    for image, text in images.items():
        build = f"echo '{text}' > version; docker build -q -t {image} ."
        box.sh(f"cd {context}; {build}; {signed} push -q {image}")
    box.sh(f"docker rmi {' '.join(images)}; rm -rf /tmp/pushing")


def _as_root(box: Box, script: str, stdin: str = "") -> str:
    words = ("exec", "--interactive", "--user=root", box.host.container, "bash", "-ec", script)
    return docker.run(*words, stdin=stdin, timeout=60)
