"""A simulated host whose releases are images that were built before: a registry, and no git."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fakes import result
from kit import settings
from simulated import SimHost
from simulated_answers import _document, _with_job
from simulated_world import BUILT, COMMITS, OLD, SERVICES, image_id, written

from schedgen_ops.commands.docker import IMAGE
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

SHOP = "registry.example/shop"
RELEASE = {"source": "image", "variable": "SHOP_VERSION"}
pulled = settings("app1", release=RELEASE, migrations=None)


def image(service: str, tag: str) -> str:
    """What the compose file calls the image of a service that CI builds."""
    return f"{SHOP}/{service}:{tag}"


def document(tag: str) -> Any:
    """The compose file with a tag; CI's way to build is in it too."""
    found = _document()
    for name in BUILT:
        found["services"][name]["image"] = image(name, tag)  # type: ignore[index]
    return found


class ImageHost(SimHost):
    """A host that git knows nothing of."""

    def _answer(self, command: Command) -> Result:
        values: Mapping[str, Any] = dict(command.values)
        if str(command).startswith("git"):
            raise AssertionError(f"{self.name} has no git: {command}")
        if command.title == "docker compose pull":
            return self._pull([image(name, self.world.tag) for name in BUILT])
        if command.text.startswith("docker images") and SHOP in command.text:
            return result("\n".join(f"{n} {i}" for n, i in self.world.images.items() if n.startswith(SHOP)))
        if command.text.startswith("docker image inspect") and IMAGE in shlex.split(command.text):
            return self._told(super()._answer(command))
        scripts: dict[str, Callable[[], Result]] = {
            "compose/resolve": lambda: self._resolve(values),
            "deploy/look_images": lambda: result(
                "\n--\n".join(("backend h1", "", "", json.dumps(document(values["tag"]))))
            ),
            "deploy/file_ids": result,
            "images/ask": lambda: result("".join(f"{self._has(each)}\n" for each in values["images"])),
            "images/pull": lambda: self._pull(values["images"]),
        }
        answer = scripts.get(command.script)
        return answer() if answer else super()._answer(command)

    def _told(self, answer: Result) -> Result:
        """What images say, with the digests that they were pulled by."""
        if not answer.ok:
            return answer
        found = [json.loads(line) for line in answer.lines()]
        for row in found:
            pulled_as = [
                name for name, known in self.world.images.items() if known == row[0] and SHOP in name
            ]
            row[3] = [f"{name.rpartition(':')[0]}@{row[0]}" for name in pulled_as]
        return result("\n".join(map(json.dumps, found)))

    def _resolve(self, values: Mapping[str, Any]) -> Result:
        self.world.changed.append("docker compose config")
        commit = COMMITS.get(values["tag"], OLD)
        self.world.resolved[values["release"]] = commit
        self.world.tag = values["tag"] or "v1.2.2"
        hashes = "".join(f"{name} {written(name, commit)}\n" for name in SERVICES)
        body = document(self.world.tag)
        text = json.dumps(_with_job(body) if self.world.job else body)
        self.world.files[f"{values['release']}/owner.yaml"] = text
        return result(f"{hashes}--\n{text}")

    def _has(self, name: str) -> str:
        return "0 " if name.rpartition(":")[2] in COMMITS else f"1 no such manifest: {name}"

    def _pull(self, images: Sequence[str]) -> Result:
        for name in images:
            service, _, tag = name.rpartition("/")[2].partition(":")
            if tag not in COMMITS:
                return result(stderr=f"manifest for {name} not found", code=1)
            self.world.images[name] = image_id(service, COMMITS[tag])
        self.world.changed.append("docker pull")
        return result()
