"""Images built on one host and carried to the other: by a deploy to two simulated hosts."""

from __future__ import annotations

import json
from typing import Any

import deploying
import pytest
from deploying import FIRST, Outcome
from fakes import result
from kit import settings
from simulated import Fault, SimHost
from simulated_world import NEW, World

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Message
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

RELEASE = f"{FIRST}-{NEW[:7]}"


def layers(id_: str) -> str:
    """What is told of an image: one layer of its own on a base that all have."""
    return f"{id_} linux/amd64 {json.dumps(['sha256:base', id_])}\n"


class Carrier(SimHost):
    """A host that packs images, and takes them in.

    Attributes:
        picky: it takes in only what is whole.
        machine: what it runs on.
        renames: its engine gives images other ids than the one that has built them.
    """

    picky = False
    machine = "amd64"
    renames = False

    def _answer(self, command: Command) -> Result:
        told: dict[str, Any] = dict(command.values)
        scripts = {
            "images/layers": self._layers,
            "images/pack": self._pack,
            "files/append": self._append,
            "images/load": self._load,
        }
        if script := scripts.get(command.script):
            return script(told, command)
        if "RootFS.Layers" in command.text:
            names = command.text.rpartition("'")[2].split()
            return result("".join(layers(self.world.images[name]) for name in names))
        return super()._answer(command)

    def _layers(self, _: dict[str, Any], __: Command) -> Result:
        mine = f"- linux/{self.machine} []\n"
        return result(mine + "".join(map(layers, {*self.world.images.values()})))

    def _pack(self, told: dict[str, Any], _: Command) -> Result:
        images = dict(zip(told["names"], told["images"], strict=True))
        self.files[told["file"]] = json.dumps([images, told["layers"]]).encode()
        return result(str(len(self.files[told["file"]])))

    def _append(self, told: dict[str, Any], command: Command) -> Result:
        assert isinstance(command.stdin, bytes)
        self.files[told["path"]] = self.files.get(told["path"], b"")[: told["offset"]] + command.stdin
        return result(str(len(self.files[told["path"]])))

    def _load(self, told: dict[str, Any], _: Command) -> Result:
        images, spared = json.loads(self.files.pop(told["file"]))
        if self.picky and spared:
            return result(stderr="open layer.tar: no such file", code=1)
        if self.renames:
            images = {name: f"{id_}-again" for name, id_ in images.items()}
        names = zip(told["targets"], told["names"], strict=True)
        self.world.images |= {target: images[name] for target, name in names}
        return result()


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploying, "two", settings("app1", "app2", build={"once": True}))


def deploy(first: SimHost, second: SimHost) -> Outcome:
    return deploying.deploy(first, second)


def of_release(world: World) -> dict[str, str]:
    return {name: id_ for name, id_ in world.images.items() if name.endswith(f":{RELEASE}")}


def test_images_are_built_on_the_first_host_and_are_the_same_on_both() -> None:
    first, second = Carrier("app1"), Carrier("app2")
    outcome = deploy(first, second)
    assert outcome.code == 0, outcome.error
    assert not [asked for asked in second.asked if "compose build" in asked]
    assert of_release(first.world) == of_release(second.world)
    assert second.world.current == RELEASE
    # What the release did not change is there.
    said = [each.text for each in outcome.events if isinstance(each, Message) and "built once" in each.text]
    assert len(said) == 1
    assert said[0].startswith("2 images built once: ")
    assert said[0].endswith("carried from app1")


def test_an_engine_that_wants_all_layers_gets_them() -> None:
    first, second = Carrier("app1"), Carrier("app2")
    second.picky = True
    assert deploy(first, second).code == 0
    assert of_release(first.world) == of_release(second.world)


def test_an_engine_that_gives_images_other_ids_has_them_by_their_names() -> None:
    first, second = Carrier("app1"), Carrier("app2")
    second.renames = True
    assert deploy(first, second).code == 0
    assert of_release(second.world).keys() == of_release(first.world).keys()
    backend = f"schedgen-backend:{RELEASE}"
    assert of_release(second.world)[backend] == f"{of_release(first.world)[backend]}-again"


def test_images_of_another_machine_are_not_carried() -> None:
    first, second = Carrier("app1"), Carrier("app2")
    second.machine = "arm64"
    outcome = deploy(first, second)
    assert (outcome.code, outcome.failed_step) == (4, "Building containers")
    assert "built on app1 are for linux/amd64, not for linux/arm64" in str(outcome.error)


@pytest.mark.parametrize("after", [True, False])
def test_a_connection_that_is_lost_on_the_way_is_made_anew(after: bool) -> None:
    lost = Fault(0, ConnectionLost, named="append", after=after)
    first, second = Carrier("app1"), Carrier("app2", fault=lost)
    first.breaks = [5]
    assert deploy(first, second).code == 0
    assert of_release(first.world) == of_release(second.world)


@pytest.mark.parametrize("named", ["docker save", "docker load", "append"])
def test_images_that_do_not_arrive_end_the_deploy_and_change_nothing(named: str) -> None:
    fault = Fault(0, 1, named=named, lasts=True)
    first = Carrier("app1", fault=fault if named == "docker save" else None)
    second = Carrier("app2", fault=fault if named != "docker save" else None)
    outcome = deploy(first, second)
    assert outcome.code in (4, 5)
    assert outcome.failed_step == "Building containers"
    assert first.world.serving == SimHost().world.serving


def test_one_host_builds_for_itself() -> None:
    host = Carrier("app1")
    assert deploying.deploy(host).code == 0
    assert [asked for asked in host.asked if "compose build" in asked]
