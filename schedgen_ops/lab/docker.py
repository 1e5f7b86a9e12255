"""The docker CLI in a subprocess: the lab needs no other way to the engine."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import IO

from schedgen_ops.lab import programs
from schedgen_ops.lab.place import LabError
from schedgen_ops.lab.progress import Line

MINUTE = 60.0


@functools.cache
def environment() -> dict[str, str]:
    """Return the environment for docker: where there is no buildx, the classic builder is asked for."""
    found = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    return dict(os.environ) if found.returncode == 0 else {**os.environ, "DOCKER_BUILDKIT": "0"}


def run(*args: str, stdin: str = "", timeout: float = 5 * MINUTE) -> str:
    """Run `docker ARGS` and return what it printed.

    Raises LabError with the last lines of its output when it fails or takes longer than `timeout` seconds.
    """
    try:
        done = subprocess.run(
            ["docker", *args], input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
            env=environment(), errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LabError(f"`docker {args[0]}` did not end within {timeout:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-programs.KEPT :]
        raise LabError(f"`docker {' '.join(args[:3])} ...` failed", detail="\n".join(last))
    return done.stdout


def succeeds(*args: str, timeout: float = MINUTE) -> bool:
    """Return whether `docker ARGS` ends well."""
    try:
        done = subprocess.run(["docker", *args], capture_output=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def stream(*args: str, line: Line, timeout: float = 20 * MINUTE, stdin: IO[bytes] | None = None) -> None:
    """Run `docker ARGS` and pass each line it prints to `line` as it comes.

    Raises LabError as `run` does.
    """
    failed = f"`docker {' '.join(args[:3])} ...` failed"
    programs.stream(("docker", *args), line, failed, timeout=timeout, stdin=stdin, env=environment())


def transfer_images(tags: tuple[str, ...], container: str, line: Line) -> None:
    """Copy images into the engine that runs inside `container`.

    Raises LabError.
    """
    with subprocess.Popen(["docker", "save", *tags], stdout=subprocess.PIPE) as source:
        stream("exec", "-i", container, "docker", "load", line=line, stdin=source.stdout)
    if source.returncode != 0:
        raise LabError("`docker save` failed")


def labels(kind: str, name: str) -> dict[str, str]:
    """Return the labels of an image, container or volume; {} where there is no such thing."""
    path = "{{json .Labels}}" if kind == "volume" else "{{json .Config.Labels}}"
    if not succeeds(kind, "inspect", name):
        return {}
    return dict(json.loads(run(kind, "inspect", "--format", path, name)) or {})


def copy_in(source: Path, container: str, destination: str) -> None:
    """Copy what is in the folder `source` into a folder of `container`; it will belong to root there."""
    run("cp", f"{source}/.", f"{container}:{destination}")
