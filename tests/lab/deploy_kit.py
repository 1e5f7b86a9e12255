"""What the tests of deploys share: an operator with a configuration of their own, and looks at a host."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from box import KEPT, ROOT, Box, Ran

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import DIRECTORY, Place

PATIENCE = 240.0
HEADINGS = (
    "Zero-Downtime Deployment Script",
    "Pre-flight Checks",
    "Step 0: Pre-deployment backup",
    "Step 1: Pulling latest code",
    "Step 2: Building containers",
    "Step 3: Running database migrations",
    "Step 4: Rolling update - Infrastructure services",
    "Step 5: Rolling update - Application services",
    "Step 6: Rolling update - Monitoring services",
    "Step 7: Post-deployment verification",
    "Step 8: Cleaning up old images",
    "Deployment Complete",
)
SERVICES = {"postgres", "redis", "minio", "backend", "frontend", "pdf-worker", "prometheus", "grafana"}
_TREE = """
find . -path ./.git/index -prune -o -printf '%P %y %m %u %s %l\\n' | sort
find . -type f ! -path ./.git/index -print0 | sort -z | xargs -0 -r sha256sum
git -c safe.directory="$PWD" ls-files --stage
"""
_ENGINE = """
docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.State}}' | sort
docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort
docker volume ls --quiet | sort; docker network ls --format '{{.Name}}' | sort
"""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator's command line with a configuration and a state folder of its own.

    Attributes:
        folder: where both are.
        environ: further variables of every command line.
        patience: seconds that a command line may take.
    """

    place: Place
    folder: Path
    boxes: tuple[Box, ...]
    environ: dict[str, str] = field(default_factory=dict)
    patience: float = PATIENCE

    def configure(self, *, hosts: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any) -> Operator:
        """Writes config/lab.yaml: the project's own, changed key by key; `hosts` adds to a host's entry."""
        config = configured()
        del config["hosts_file"]
        config["ssh"] |= {"identity_file": str(self.place.key), "known_hosts": str(self.place.known_hosts)}
        config["hosts"] = [
            host_entry(self.place, box) | dict((hosts or {}).get(box.name, {})) for box in self.boxes
        ]
        # What is measured elsewhere need not take half a processor of each test's host here.
        config = over(config, {"health": {"settle": 1}, "probe": {"pause": 0.5}} | changes)
        target = self.folder / "config" / "lab.yaml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(yaml.safe_dump(config))
        return self

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> Running:
        """Starts `inv WORDS --env lab` and returns while it runs; what is behind `--` stays behind it."""
        cut = words.index("--") if "--" in words else len(words)
        out, err = (self.folder / f"std{name}-{time.monotonic_ns()}" for name in ("out", "err"))
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "invoke", *words[:cut], "--env", "lab", *words[cut:]],
                cwd=ROOT,
                env={**os.environ, **KEPT, "NO_COLOR": "1", **self.variables, **self.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        return Running(process, out, err, self.patience)

    @property
    def variables(self) -> dict[str, str]:
        """What makes a command line use them."""
        return {"SCHEDGEN_CONFIG": str(self.folder / "config"), "SCHEDGEN_STATE": str(self.folder / "state")}

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """Runs `inv WORDS --env lab` to its end."""
        return self.start(*words, env=env).wait()

    def deploy(self, branch: str) -> Ran:
        """Deploys; fails the test if that fails."""
        ran = self("deploy", "--branch", branch)
        assert ran.code == 0, ran.output
        return ran

    def document(self, *words: str) -> dict[str, Any]:
        """What `inv WORDS --json` prints on stdout, read as JSON."""
        return dict(json.loads(self(*words, "--json").stdout))

    @property
    def state(self) -> Path:
        """Where the runs' logs and journals are."""
        return self.folder / "state" / "schedgen" / "lab"

    def newest(self, kind: str) -> str:
        """The text of the last run's `log` or `jsonl`."""
        return max(self.state.glob(f"*.{kind}"), key=lambda path: path.stat().st_mtime_ns).read_text()


@dataclass(frozen=True, slots=True)
class Running:
    """A command line that runs."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    patience: float = PATIENCE

    def until(self, text: str) -> None:
        """Waits until `text` is on stdout."""
        wait_for(
            lambda: text in self.out.read_text() or self.process.poll() is not None,
            f"{text!r}",
            self.patience,
        )
        assert text in self.out.read_text(), self.err.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def wait(self) -> Ran:
        """How it ended."""
        try:
            code = self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return Ran(code, self.out.read_text(), self.err.read_text())


def host_entry(place: Place, box: Box) -> dict[str, Any]:
    """What a config says of a host of the lab."""
    return {"name": box.name, "address": box.address, "user": "deploy", "port": place.ssh_port}


def over(base: Any, changes: Any) -> Any:
    """`base` with `changes`, mapping by mapping."""
    if not isinstance(base, dict) or not isinstance(changes, Mapping):
        return changes
    return {**base, **{key: over(base.get(key), value) for key, value in changes.items()}}


def configured() -> dict[str, Any]:
    """The project's own config of the lab."""
    return dict(yaml.safe_load((ROOT / "config" / "lab.yaml").read_text()))


def wait_for(happened: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Waits until something happened; fails the test if it does not."""
    end = time.monotonic() + seconds
    while True:
        looked = time.monotonic()
        if happened():
            return
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        # A look into a host takes processor time, which the run that is waited for needs.
        time.sleep(max(0.1, 3 * (time.monotonic() - looked)))


def tree(box: Box) -> str:
    """Everything in the project directory: names, modes, owners, contents, refs, objects, the index."""
    return box.sh(_TREE, user="root")


def engine(box: Box) -> str:
    """Containers, images, volumes and networks of the host."""
    return box.sh(_ENGINE, user="root")


def containers(box: Box) -> dict[str, str]:
    """The id of each service's container; a test that finds two, or one that does not run, fails."""
    lines = box.sh(
        "docker compose ps --all --no-trunc --format '{{.Service}} {{.ID}} {{.State}}'"
    ).splitlines()
    found = [line.split() for line in lines]
    assert len({service for service, _, _ in found}) == len(found), lines
    assert {state for _, _, state in found} == {"running"}, lines
    return {service: identity for service, identity, _ in found if service in SERVICES}


def images(box: Box) -> dict[str, str]:
    """Image ids by name, of the project's images."""
    lines = box.sh("docker images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' 'schedgen-*'")
    return dict(line.split() for line in lines.splitlines())


def records(box: Box) -> tuple[dict[str, Any], ...]:
    """The release records of the host, oldest first."""
    texts = box.sh("for file in .schedgen/releases/*/release.json; do cat $file; echo; done").splitlines()
    found = [json.loads(text) for text in texts if text]
    return tuple(sorted(found, key=lambda record: (record["id"][:15], record["state"] != "ADOPTED")))


def backups(box: Box) -> tuple[str, ...]:
    """What is in the backups folder."""
    return tuple(box.sh("ls -A backups 2>/dev/null || true").split())


def secrets(box: Box) -> tuple[str, ...]:
    """The values that no log may hold."""
    lines = box.sh("grep -E 'PASSWORD|KEY' .env").splitlines()
    return tuple(line.partition("=")[2] for line in lines)


def lock_is_free(box: Box, directory: str = ".") -> bool:
    """Whether nobody holds a project's lock; the reference application's where no folder is named."""
    lock = f"{directory}/.schedgen/lock"
    return box.sh(f"[ ! -e {lock} ] || flock --nonblock {lock} true && echo free || true") == "free"


def serves(box: Box, version: str, requests: int = 20) -> None:
    """Fails unless the site answers as `version`, and goes on to."""
    assert box.version() == version
    for _ in range(requests):
        assert json.loads(box.get("/health"))["version"] == version
        assert "<html" in box.get("/", port=3000)


def untouched(box: Box, version: str, commit: str) -> None:
    """Fails unless `version` serves alone, from its own code, with no lock and no leftovers."""
    serves(box, version)
    assert box.sh("git rev-parse HEAD") == commit
    assert box.sh("git status --porcelain") == ""
    wait_for(lambda: lock_is_free(box), "the lock to end", 20)
    assert set(containers(box)) == SERVICES
    names = box.sh("docker ps --all --format '{{.Names}}'").split()
    assert [name for name in names if not re.fullmatch(r"schedgen-[a-z-]+-\d+", name)] == []


def in_order(text: str, parts: Sequence[str]) -> bool:
    """Whether every part is in `text`, each after the one before it."""
    at = 0
    for part in parts:
        at = text.find(part, at) + len(part)
        if at < len(part):
            return False
    return True


@contextmanager
def as_root(box: Box, before: str, after: str) -> Iterator[None]:
    """A host that is altered for as long as the block lasts."""
    docker.run("exec", "--user=root", f"--workdir={DIRECTORY}", box.host.container, "bash", "-ec", before)
    try:
        yield
    finally:
        docker.run("exec", "--user=root", f"--workdir={DIRECTORY}", box.host.container, "bash", "-ec", after)
