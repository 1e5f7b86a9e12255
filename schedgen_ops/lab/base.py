"""The base image: pulled where a registry answers, else made with debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from schedgen_ops.lab import docker, engine, programs
from schedgen_ops.lab.place import BASE_IMAGE, LABEL, NAME, LabError, Place
from schedgen_ops.lab.progress import LabProgress, Line

FIRST_WORD = 15.0
"""Seconds for a registry to answer before the image is made here instead."""
SUITE = "bookworm"


def present() -> bool:
    """Return whether the image is there."""
    return docker.succeeds("image", "inspect", BASE_IMAGE)


def ensure(place: Place, progress: LabProgress) -> None:
    """Have the base image. Raises LabError when it can neither be pulled nor made."""
    if present():
        return
    with progress.step(f"Pulling {BASE_IMAGE}") as line:
        pulled = _pull(line)
    if pulled:
        place.pulled.touch()
        return
    progress.say("No image registry answers: making the base image with debootstrap")
    if not shutil.which("debootstrap"):
        engine.install_debian("debootstrap", progress)
    with progress.step(f"Making {BASE_IMAGE} with debootstrap") as line:
        _bootstrap(line)


def remove(place: Place) -> None:
    """Remove the base image if the lab brought it."""
    if place.pulled.exists() or docker.labels("image", BASE_IMAGE).get("schedgen.lab") == NAME:
        docker.succeeds("image", "rm", BASE_IMAGE)


def _pull(line: Line) -> bool:
    """Pull, and give up at once where nothing has been said after FIRST_WORD seconds."""
    process = subprocess.Popen(
        ["docker", "pull", BASE_IMAGE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watchdog = threading.Timer(FIRST_WORD, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        for text in process.stdout:
            watchdog.cancel()
            line(text.rstrip())
        return process.wait() == 0
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def _bootstrap(line: Line) -> None:
    if os.geteuid() != 0:
        raise LabError("No image registry answers, and only root can make the base image with debootstrap")
    with tempfile.TemporaryDirectory(prefix="schedgen-lab-") as folder:
        tree = Path(folder) / "root"
        argv = ("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(tree))
        programs.stream(argv, line, "debootstrap could not make the base image")
        shutil.rmtree(tree / "var/cache/apt/archives", ignore_errors=True)
        shutil.rmtree(tree / "var/lib/apt/lists", ignore_errors=True)
        _import(tree)


def _import(tree: Path) -> None:
    archive = ["tar", "-C", str(tree), "--numeric-owner", "--exclude=./dev/*", "-c", "."]
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as source:
        load = ["docker", "import", "--change", f"LABEL {LABEL}", "--change", 'CMD ["bash"]', "-", BASE_IMAGE]
        done = subprocess.run(load, stdin=source.stdout, capture_output=True, text=True, check=False)
    if done.returncode != 0 or source.returncode != 0:
        raise LabError("`docker import` of the base image failed", detail=done.stderr.strip()[-500:])
