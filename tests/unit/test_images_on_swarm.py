"""Releases that are images on a Swarm: what a config may say, what is pulled, pushed, written and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context
from kit import bash, path, program
from pydantic import ValidationError
from swarm_kit import swarm
from test_swarm_environment import node
from test_swarm_rolling import host_run, no_data

from schedgen_ops.checklist import arrival
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.commands.docker import Docker, Image
from schedgen_ops.commands.git import NO_WORK_TREE
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Login
from schedgen_ops.commands.swarm import StackCommands, parse_pushed
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.lock import run as lock
from schedgen_ops.ops import pulled
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, Secret
from schedgen_ops.swarm import preview, recovery, sources
from schedgen_ops.swarm.session import SwarmSession

SHOP = "hub.example/shop"
V2 = f"{SHOP}@sha256:" + "2" * 64
QUEUE = "redis@sha256:" + "7" * 64
GATE = "haproxy@sha256:" + "9" * 64
BY_TAG = {"source": "image", "variable": "SHOP_VERSION"}
LOGIN = Login("hub.example", "ci", Secret("pw-of-ci"))


def images(**changes: Any) -> Settings:
    """An environment on a Swarm whose releases are images."""
    return swarm(**{"release": BY_TAG, "ingress": {"image": "haproxy:lts"}, **changes})


def document(tag: str) -> dict[str, Any]:
    """The compose file with a tag; CI's way to build is in it too."""
    return {
        "services": {
            "web": {
                "image": f"{SHOP}:{tag}",
                "build": {"context": "/srv/shop/web"},
                "ports": [{"mode": "ingress", "target": 8000, "published": "3000", "protocol": "tcp"}],
                "networks": {"default": None},
            },
            "queue": {"image": "redis:7", "networks": {"default": None}},
        },
        "networks": {"default": {"name": "shop_default"}},
    }


# What a config may say


def test_nothing_needs_to_be_pushed_where_releases_are_images() -> None:
    assert images(swarm={}).swarm.registry is None
    with pytest.raises(ValidationError, match="is required: the nodes pull images from there"):
        swarm(swarm={})


HUB = {"server": "hub.example", "user": "ci", "password": "cat a"}
PUSHER = {"user": "pusher", "password": "cat b"}


@pytest.mark.parametrize(
    ("registry", "server"),
    [
        ("registry:5000", "registry:5000"),
        ("mine.example/shop", "mine.example"),
        ("localhost/shop", "localhost"),
        ("team", "docker.io"),
    ],
)
def test_who_pushes_may_be_another_than_who_pulls(registry: str, server: str) -> None:
    said = images(release={**BY_TAG, "registry": HUB}, swarm={"registry": registry, "sign_in": PUSHER})
    found = {part: (each.server, each.user, each.password) for part, each in said.registries.items()}
    assert found == {
        "release.registry": ("hub.example", "ci", ("cat", "a")),
        "swarm.sign_in": (server, "pusher", ("cat", "b")),
    }
    assert [*swarm().registries] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"swarm": {"sign_in": PUSHER}}, "is for `swarm.registry`"),
        (
            {
                "swarm": {"registry": "hub.example/other", "sign_in": PUSHER},
                "release": {**BY_TAG, "registry": HUB},
            },
            "is for another server",
        ),
        (
            {"orchestrator": "compose", "swarm": {"registry": "a.example", "sign_in": PUSHER}},
            "is for `orchestrator: swarm`",
        ),
    ],
)
def test_who_signs_in_is_said_once(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        images(**changes)


# What is refused before anything is changed


def coming(*held: Image) -> Coming:
    return Coming("", document=json.dumps(document("v2")), images=held, tag="v2")


def texts(settings: Settings, *held: Image) -> list[str]:
    return [each.text for each in arrival.problems(settings, settings.hosts[0], coming(*held), ())]


BY_HAND, FROM_HUB = (
    Image("sha256:7", names=("redis:7",)),
    Image("sha256:7", names=("redis:7",), digests=(QUEUE,)),
)


def test_an_image_that_came_from_no_registry_needs_one_to_be_pushed_to() -> None:
    nowhere = images(swarm={})
    assert texts(nowhere, BY_HAND) == ["came from no registry, so that no other node can pull it: redis:7"]
    assert texts(nowhere, FROM_HUB) == texts(nowhere) == texts(images(), BY_HAND) == []
    assert texts(images(swarm={}, build={"pull": "always"}), BY_HAND) == []
    # A picked one is pulled though it is there, unless nothing is pulled at all.
    shop = Image("sha256:2", names=(f"{SHOP}:v2",))
    assert texts(nowhere, shop) == []
    never = images(swarm={}, build={"pull": "never"})
    assert texts(never, shop) == [f"came from no registry, so that no other node can pull it: {SHOP}:v2"]


# What is pushed

_ENGINE = """
echo "$*" >> "$HOME/calls"
case $* in
  "image inspect"*" registry:5000/"*) echo "${!#%:*}@sha256:pushed" ;;
  "image inspect"*" by-digest:r1") echo "hub.example/shop@sha256:there" ;;
  *) : ;;
esac
"""


@pytest.mark.parametrize(
    ("prefix", "built"), [("registry:5000", "registry:5000/built@sha256:pushed"), ("", "")]
)
def test_what_came_by_a_digest_is_pushed_nowhere(tmp_path: Path, prefix: str, built: str) -> None:
    programs = program(tmp_path / "bin", "docker", _ENGINE).parent
    command = StackCommands(Docker(), "shop").push(prefix, {"by-digest:r1": f"{SHOP}:v2", "built:r1": ""})
    ran = bash(command, tmp_path, PATH=path(programs))
    assert parse_pushed(ran.stdout) == {"by-digest:r1": "hub.example/shop@sha256:there", "built:r1": built}
    pushed = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("push")]
    assert pushed == (["push registry:5000/built:r1"] if prefix else [])


# The step


def manager(pushed: Mapping[str, str], **answers: Any) -> FakeHost:
    """A manager that has pulled the images; `pushed` are the digests of what is asked for."""

    def resolve(command: Command) -> str:
        values: Mapping[str, Any] = dict(command.values)
        found = document(values["tag"] or "v1")
        host.files["owner"] = json.dumps(found).encode()
        return f"web h\nqueue h\n--\n{json.dumps(found)}"

    def push(command: Command) -> str:
        values: Mapping[str, Any] = dict(command.values)
        return "".join(f"{name} {pushed.get(name.partition(':')[0], '')}\n" for name in values["images"])

    scripts: dict[str, Any] = {
        "compose/resolve": resolve,
        "swarm/look": node(),
        "swarm/push": push,
        **answers,
    }

    def named(script: str) -> Any:
        return lambda command: command.script == script

    host = FakeHost(
        answers={
            **{named(script): answer for script, answer in scripts.items()},
            (lambda each: "owner.yaml" in each.text and each.script == ""): lambda _: host.files[
                "owner"
            ].decode(),
            (lambda each: "image inspect --format" in each.text and "r2" in each.text): "\n".join(
                json.dumps([f"sha256:{name}", [], None, []]) for name in ("web", "queue")
            ),
            (lambda _: True): "",
        }
    )
    return host


PUSHED = {"shop-web": V2, "shop-queue": QUEUE, "haproxy": GATE}


def session(host: FakeHost, settings: Settings) -> SwarmSession:
    run = host_run(host, None, None)
    run.context = replace(context(host, settings), sign_in=lambda: LOGIN)
    run.seen = replace(run.seen, tree=NO_WORK_TREE)
    fleet, owner = Fleet((host,)), lock.myself(run.clock, "deploy", "v2")
    on = SwarmSession(settings, fleet, Ref("v2"), "r2", run.clock, silence, owner, nodes=fleet)
    on.name, on.host_runs = "r2", (run,)
    return on


def pulled_by(host: FakeHost, settings: Settings) -> Release:
    """The release that the step makes."""
    on = session(host, settings)
    (step,) = sources.steps(on)
    assert (step.number, step.title) == ("1", "Pulling images")
    step.run()
    return on.at_work.release


def written(host: FakeHost, name: str) -> dict[str, Any]:
    """What the stack is told of a service."""
    (text,) = (each.stdin for each in host.commands if f"/swarm/{name}.json" in each.text and each.stdin)
    return dict(json.loads(text)["services"][name])


def test_nodes_are_told_the_digest_of_the_tag_and_nothing_is_built() -> None:
    host = manager(PUSHED)
    release = pulled_by(host, images(swarm={}))
    assert (release.id, release.commit, release.tag) == ("r2-v2", "", "v2")
    assert {name: one.digest for name, one in release.services.items()} == {"web": V2, "queue": QUEUE}
    assert written(host, "web")["image"] == V2
    assert written(host, "queue")["image"] == QUEUE
    assert written(host, "schedgen-ingress")["image"] == GATE
    values = [dict(each.values) for each in host.commands if each.script == "images/pull"]
    assert [(each["images"], each["servers"]) for each in values] == [((f"{SHOP}:v2",), ("hub.example",))]
    (push,) = (dict(each.values) for each in host.commands if each.script == "swarm/push")
    assert (push["prefix"], push["pulled"]) == ("", ("redis:7", f"{SHOP}:v2", "haproxy:lts"))
    assert not [
        each for each in host.commands if each.text.startswith("git") or "compose build" in each.title
    ]


def test_the_same_digest_is_the_same_definition_and_a_moved_tag_another_one() -> None:
    def definition(digest: str) -> str:
        return pulled_by(manager({**PUSHED, "shop-web": digest}), images()).services["web"].definition

    assert definition(V2) == definition(V2)
    assert definition(V2) != definition(f"{SHOP}@sha256:" + "3" * 64)


def test_an_image_that_no_node_could_pull_ends_it_before_anything_is_written() -> None:
    host = manager({**PUSHED, "haproxy": ""})
    with pytest.raises(OpsError, match=r"came from no registry, .* can pull it: haproxy:lts") as found:
        pulled_by(host, images(swarm={}))
    assert "`swarm.registry`" in found.value.hint
    assert not [each for each in host.commands if "/swarm/" in each.text and each.stdin]


def test_taken_back_it_leaves_no_name_and_moves_no_work_tree() -> None:
    host = manager(PUSHED)
    host.answers[lambda each: each.text.startswith("docker images")] = f"{SHOP}:v2 sha256:web\n"
    on = session(host, images())
    (step,) = sources.steps(on)
    step.run()
    host.commands.clear()
    assert step.undo
    step.undo()
    assert not [each for each in host.texts if "git" in each]


# Afterwards


def test_after_a_killed_run_no_work_tree_is_looked_for() -> None:
    """What served before may be a commit, of the time before releases were images."""
    host = manager({})
    on = session(host, images())
    run = on.at_work
    old = Release(ReleaseId("r1"), "v1", "a" * 40, State.DONE)
    run.seen = replace(
        run.seen, shelf=replace(run.seen.shelf, current=old.id, written=old.id, releases=(old,))
    )
    recovery.recover(run, no_data)
    assert run.righted == ""
    assert not [each for each in host.texts if "git" in each]


def test_images_are_pulled_again_as_who_signs_in_and_it_is_said_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    record = ServiceRecord("shop-web:r1", "sha256:1", "", digest=V2)
    release = Release(ReleaseId("r1"), "v2", "", State.DONE, services={"web": record})
    host = manager({"x": ""})
    shown = HostContext(
        host, images(), context(host, images()).clock, lambda each: said.append(str(each)), lambda: LOGIN
    )
    monkeypatch.setattr("schedgen_ops.release.store.read", lambda *_: Shelf(release.id, (release,)))
    pulled.again(shown, ())
    (pull,) = (dict(each.values) for each in host.commands if each.script == "images/pull")
    assert pull["images"] == (V2,)
    assert "another node pulls an image by its digest" in "".join(said)


# deploy.plan


def looked(tag: str, held: str) -> preview.Preview:
    settings = images()
    host = FakeHost(
        answers={
            (lambda each: each.script == "deploy/look_images"): "\n--\n".join(
                ("", "", "", json.dumps(document(tag)))
            ),
            (lambda each: each.script == "images/ask"): held,
            (lambda each: each.script == "release/definition"): json.dumps(document("v1")),
            (lambda _: True): "",
        }
    )
    return preview.look(context(host, settings), Ref(tag))


def test_a_plan_tells_of_the_tag_and_of_what_is_pulled_anew() -> None:
    found = looked("v2", "0 \n")
    head = dict(found.head)
    assert head["Would be"] == "v2"
    assert head["Pulled anew"] == "web; replaced if changed"
    assert "New migrations" not in head
    rows = {name: (action, why) for name, action, why, _ in found.services}
    assert rows["web"] == ("replace", f"its image is {SHOP}:v2")
    assert rows["queue"] == ("unchanged", "")


def test_a_plan_of_a_tag_that_is_not_there_is_refused() -> None:
    with pytest.raises(OpsError, match=f"the registry has no {SHOP}:v9") as found:
        looked("v9", f"1 no such manifest: {SHOP}:v9\n")
    assert found.value.exit_code == 3


def test_a_move_from_compose_is_refused_before_a_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedgen_ops.cli import moving
    from schedgen_ops.task_run import MANAGER, Options, opened

    (tmp_path / "config").mkdir()
    known = {"project": "shop", "directory": "/srv/shop", "hosts": [{"name": "a", "address": "a"}]}
    text = json.dumps({**known, "orchestrator": "swarm", "release": BY_TAG})
    (tmp_path / "config" / "shop.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with (
        opened(Options(env="shop"), MANAGER) as op,
        pytest.raises(ConfigError, match="a move brings a commit") as found,
    ):
        moving.plan(op, Ref("v2"))
    assert found.value.exit_code == 2
