"""Small stacks of other people's shapes: a folder below stacks/ each, a project of its own on a host."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from box import Box
from deploy_kit import PATIENCE, Operator, host_entry

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place

STACKS = Path(__file__).parent / "stacks"
# What all of them have, and no more than that: each says the rest itself.
_CONFIG: dict[str, Any] = {
    "ingress": {"image": "lab/haproxy:2.6"},
    "health": {"settle": 0, "deadline": 60},
    "limits": {"disk_free_gb": 0},
    "rollout": {"drain": 2},
    "probe": {"pause": 0.2},
}
# Two releases, v1 and v2, which differ in the file that their images are built with, and by what is in the
# folder v2; where there is a later.yaml, two more whose definition that is. make.bash adds what is not here.
_MADE = """
cd; rm -rf "$1" "$1.git" "$1.v2"; mkdir "$1"; base64 -d | tar -xf - -C "$1"; cd "$1"
git init -q -b main; git config user.name t; git config user.email t@example.org
# Wherever it is made, a release is the same commit.
export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
printf '.env\\n.schedgen\\nbackups\\n' > .gitignore
[ ! -f env ] || { cp env .env; echo env >> .gitignore; }
[ ! -f make.bash ] || { bash -e make.bash; rm make.bash; }
[ ! -d v2 ] || mv v2 "../$1.v2"
last=2; [ ! -f later.yaml ] || last=4
for ((n = 1; n <= last; n++)); do
  [ "$n" -ne 2 ] || [ ! -d "../$1.v2" ] || cp -r "../$1.v2/." .
  [ "$n" -ne 3 ] || mv later.yaml compose.yaml
  echo "$n" > web/version; git add .; git commit -qm "v$n"; git tag "v$n"
done
git clone -q --bare . "../$1.git"; git remote add origin "$HOME/$1.git"; git checkout -q v1
"""
_LAID = """
cd; rm -rf "$1"*; mkdir "$1"; base64 -d | tar -xf - -C "$1"; cd "$1"
cp -r web "../$1-ci"; mv web "../$1-ci2"; echo hello > motd
"""
_GONE = """
docker ps -aq --filter "label=com.docker.compose.project=$1" | xargs -r docker rm -fv
for kind in volume network; do
  docker $kind ls -q --filter "label=com.docker.compose.project=$1" | xargs -r docker $kind rm
done
docker images --format '{{.Repository}}:{{.Tag}}' "$1-*" | xargs -r docker rmi -f
cd; rm -rf "$1" "$1.git" "$1.v2"
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """A project on a host, or on several of which `box` is the first, and the operator who deploys it."""

    name: str
    box: Box
    op: Operator

    @property
    def directory(self) -> str:
        return f"/home/deploy/{self.name}"

    def deploy(self, branch: str) -> str:
        """What a good deploy said."""
        ran = self.op("deploy", "--branch", branch)
        assert ran.code == 0, ran.output
        return ran.output

    def inside(self, service: str, *command: str) -> str:
        """What a command prints in the only container of a service."""
        label = f"label=com.docker.compose.service={service}"
        project = f"label=com.docker.compose.project={self.name}"
        (box,) = self.box.sh(f"docker ps -q --filter {project} --filter {label}").split()
        return self.box.sh(f"docker exec {box} {' '.join(command)}")

    def by_hand(self, *words: str) -> str:
        """What Compose prints, as the owner calls it."""
        return self.box.sh(f"cd {self.directory} && docker compose {' '.join(words)}")

    @contextmanager
    def visitors(
        self, *doors: str, network: str = "host"
    ) -> Iterator[Callable[[], dict[str, dict[str, int]]]]:
        """Visitors of doors until the function it yields is called: that tells what they had.

        Args:
            doors: KIND=ADDRESS:PORT each, for each visitor; the kinds are those of visitors.js.
            network: where they are; "host" for the host itself.
        """
        name = f"{self.name}-visitors-{network}"
        script = base64.b64encode((STACKS / "visitors.js").read_bytes()).decode()
        words = f"run -d --name {name} --network {network} --init lab/node:22 sh -c"
        self.box.sh(f"docker {words} 'echo {script} | base64 -d > /v.js; exec node /v.js {' '.join(doors)}'")

        def ended() -> dict[str, dict[str, int]]:
            self.box.sh(f"docker stop {name}")
            return dict(json.loads(self.box.sh(f"docker logs {name}").splitlines()[-1]))

        try:
            yield ended
        finally:
            self.box.sh(f"docker rm -f {name}")

    def runs(self) -> set[str]:
        """The services of it that run, without the ingress."""
        project = f"label=com.docker.compose.project={self.name}"
        label = '{{.Label "com.docker.compose.service"}}'
        found = self.box.sh(f"docker ps --filter {project} --format '{label}'").split()
        return {*found} - {"schedgen-ingress"}


@contextmanager
def stack(
    name: str, place: Place, box: Box, folder: Path, *, shape: str = "", beside: tuple[Box, ...] = ()
) -> Iterator[Stack]:
    """A stack's project on a host: both its releases in its origin, v1 checked out, nothing running.

    Args:
        shape: the folder below stacks/ that it is made of, where that has another name.
        beside: further hosts of the same project.
    """
    boxes = (box, *beside)
    try:
        for each in boxes:
            _run(each, _MADE, name, _packed(STACKS / (shape or name)))
        yield Stack(name, box, _configured(name, shape or name, place, boxes, folder))
    finally:
        for each in boxes:
            _run(each, _GONE, name)


@contextmanager
def pulled(name: str, place: Place, box: Box, folder: Path) -> Iterator[Stack]:
    """A stack whose images are built elsewhere: a folder with its compose file, no git, nothing running.

    What they are built of is in two folders beside it, which end in -ci and -ci2.
    """
    try:
        _run(box, _LAID, name, _packed(STACKS / name))
        yield Stack(name, box, _configured(name, name, place, (box,), folder))
    finally:
        _run(box, f'{_GONE} rm -rf "$1-ci" "$1-ci2"', name)


def _run(box: Box, script: str, name: str, stdin: str = "") -> None:
    user = ("exec", "--interactive", "--user=deploy", box.host.container)
    docker.run(*user, "bash", "-ec", script, "stack", name, stdin=stdin)


def _packed(folder: Path) -> str:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for each in sorted(folder.iterdir()):
            archive.add(each, each.name)
        archive.add(STACKS / "web", "web")
    return base64.b64encode(made.getvalue()).decode()


def _configured(name: str, shape: str, place: Place, boxes: tuple[Box, ...], folder: Path) -> Operator:
    said = STACKS / shape / "config.yaml"
    own = yaml.safe_load(said.read_text()) if said.exists() else {}
    config = {
        **_CONFIG,
        **own,
        "project": name,
        "directory": f"/home/deploy/{name}",
        "hosts": [host_entry(place, box) for box in boxes],
        "ssh": {"config_file": None, "identity_file": str(place.key), "known_hosts": str(place.known_hosts)},
    }
    if sign_in := config.get("release", {}).get("registry"):
        sign_in["password"] = f"cat {folder}/password"
    target = folder / "config" / "lab.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(config))
    # One host after the other, on a machine that has all of them.
    return Operator(place, folder, boxes, patience=PATIENCE * len(boxes))
