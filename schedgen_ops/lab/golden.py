"""The golden volume: a host prepared once, completely; every host boots from a copy of it."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from pathlib import Path

from schedgen_ops.lab import docker, hosts, images
from schedgen_ops.lab.app.repository import build_repository
from schedgen_ops.lab.place import BUILDER, DIRECTORY, GOLDEN, HOST_IMAGE, LABEL, ORIGIN, RELEASE, Place
from schedgen_ops.lab.progress import LabProgress, Line

APP = images.HERE / "app"
CONTENT = hosts.CONTENT
SECRETS = ("POSTGRES_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")
_READY = "-ready"
READY = f"{GOLDEN}{_READY}"
"""An empty volume whose label says what the golden volume was made of: labels cannot be added later."""
CLONE = f"git clone -q file:///srv/git/schedgen.git . && git checkout -q --detach {RELEASE}"
BUILT = ("backend", "frontend", "pdf-worker")
FIRST = ("postgres", "redis", "minio")
MIGRATE = "docker compose run --rm --no-deps backend npm run migration:run"
SEED_DATABASE = "docker compose exec -T postgres psql -q -v ON_ERROR_STOP=1 -U schedgen -d schedgen"
TEMPLATE = "docker compose exec -T postgres createdb -U schedgen -T schedgen schedgen_golden"
SEED_OBJECTS = "docker compose exec -T minio sh"


def origin_content() -> str:
    """Return a text that changes when the application's repository does."""
    return images.tree_hash((APP / "source", APP / "repository.py"))


def content() -> str:
    """Return a text that changes when anything that goes into a host does."""
    parts = (images.host_content(), images.app_content(), origin_content(), images.tree_hash((APP / "seed",)))
    steps = (CLONE, *BUILT, *FIRST, MIGRATE, SEED_DATABASE, TEMPLATE, SEED_OBJECTS)
    return hashlib.sha256("\n".join((*parts, *steps)).encode()).hexdigest()[:16]


def kept() -> str:
    """Return the content of the golden volume that is there; "" where there is none."""
    return docker.labels("volume", READY).get(CONTENT, "")


def is_ready() -> bool:
    """Return whether the golden volume is there and made of what is here now."""
    return kept() == content()


def ensure(place: Place, progress: LabProgress) -> None:
    """Have the git origin and the golden volume. Raises LabError."""
    if docker.labels("volume", ORIGIN).get(CONTENT) != origin_content():
        with progress.step("Making the git origin"):
            _make_origin()
    if is_ready():
        return
    if other := _made_elsewhere():
        with progress.step("Copying the golden volume of another lab"):
            _copy_golden(place, other)
    else:
        _make_golden(place, progress)


def _made_elsewhere() -> str:
    """Return the golden volume of another lab that is made of the same; "" where there is none."""
    found = docker.run("volume", "ls", "--format={{.Name}}", f"--filter=label={CONTENT}={content()}").split()
    return next((name.removesuffix(_READY) for name in found if name.endswith(f"-golden{_READY}")), "")


def _copy_golden(place: Place, other: str) -> None:
    _forget_golden()
    hosts.ensure_volume(GOLDEN)
    hosts.copy_volume(place, other, GOLDEN)
    hosts.ensure_volume(READY, f"{CONTENT}={content()}")


def _forget_golden() -> None:
    for volume in (GOLDEN, READY):
        docker.run("volume", "rm", "--force", volume)


def _make_origin() -> None:
    """A bare repository on a volume that the hosts see read-only, so that they can only fetch."""
    for host in hosts.existing():
        hosts.remove(host)
    docker.run("volume", "rm", "--force", ORIGIN)
    hosts.ensure_volume(ORIGIN, f"{CONTENT}={origin_content()}")
    with tempfile.TemporaryDirectory(prefix="schedgen-lab-") as folder:
        build_repository(Path(folder) / "work")
        _upload_origin(Path(folder) / "work")


def _upload_origin(repository: Path) -> None:
    script = "git clone -q --bare /tmp/source /srv/git/schedgen.git && chmod -R a+rX /srv/git"
    trust = (
        "--env=GIT_CONFIG_COUNT=1",
        "--env=GIT_CONFIG_KEY_0=safe.directory",
        "--env=GIT_CONFIG_VALUE_0=*",
    )
    docker.run("rm", "--force", BUILDER)
    docker.run(
        "create", f"--name={BUILDER}", f"--label={LABEL}", f"--volume={ORIGIN}:/srv/git", *trust,
        "--entrypoint=sh", HOST_IMAGE, "-c", script,
    )  # fmt: skip
    try:
        docker.run("cp", str(repository), f"{BUILDER}:/tmp/source")
        docker.run("start", "--attach", BUILDER)
    finally:
        docker.run("rm", "--force", BUILDER)


def _make_golden(place: Place, progress: LabProgress) -> None:
    docker.run("rm", "--force", BUILDER)
    _forget_golden()
    hosts.create(place, BUILDER, GOLDEN, ("--hostname=golden",))
    docker.run("start", BUILDER)
    try:
        _prepare(progress)
        with progress.step("Golden host: stopping it"):
            docker.run("stop", BUILDER)
    finally:
        docker.run("rm", "--force", BUILDER)
    # Comes last, so that a volume prepared by half is never taken for a golden one.
    hosts.ensure_volume(READY, f"{CONTENT}={content()}")


def _prepare(progress: LabProgress) -> None:
    with progress.step("Golden host: booting") as line:
        hosts.state(BUILDER, "engine", "60")
        docker.transfer_images(images.app_tags(), BUILDER, line)
    with progress.step(f"Golden host: building the application, {RELEASE}") as line:
        _shell(CLONE, line)
        _write_env()
        # One after another: built at once, two images have copies of the steps that they share, and later
        # builds find the first one's alone, so that every release would install its packages again.
        for service in BUILT:
            _shell(f"docker compose build {service}", line)
    with progress.step("Golden host: migrations and seed") as line:
        _shell(f"docker compose up -d --wait {' '.join(FIRST)} && {MIGRATE}", line)
        _feed(SEED_DATABASE, APP / "seed" / "seed.sql", line)
        _feed(SEED_OBJECTS, APP / "seed" / "seed-objects.sh", line)
        _shell(TEMPLATE, line)
    with progress.step("Golden host: starting all services") as line:
        _shell("docker compose up -d --wait", line)
        hosts.state(BUILDER, "remember")


def _shell(script: str, line: Line) -> None:
    docker.stream(*_as_deploy(), "sh", "-ec", script, line=line)


def _feed(command: str, file: Path, line: Line) -> None:
    with file.open("rb") as stdin:
        docker.stream(*_as_deploy("-i"), "sh", "-ec", command, line=line, stdin=stdin)


def _as_deploy(*options: str) -> tuple[str, ...]:
    environment = ("--env=DOCKER_BUILDKIT=0", "--env=HOME=/home/deploy")
    return ("exec", *options, "--user=deploy", f"--workdir={DIRECTORY}", *environment, BUILDER)


def _write_env() -> None:
    """The example's settings with credentials of our own, readable by their owner only."""
    example = docker.run(*_as_deploy(), "cat", ".env.example")
    text = "".join(f"{_own_secret(entry)}\n" for entry in example.splitlines())
    docker.run(*_as_deploy("-i"), "sh", "-c", "umask 077 && cat > .env", stdin=text)


def _own_secret(entry: str) -> str:
    name = entry.partition("=")[0].strip()
    return f"{name}={secrets.token_hex(16)}" if name in SECRETS else entry
