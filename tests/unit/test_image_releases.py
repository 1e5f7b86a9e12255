"""Releases that are images of a registry: deployed, refused, taken back and gone back to, without git."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from deploying import (
    ANSWER_LOST,
    ERROR,
    FIRST,
    OWNER,
    SECOND,
    Outcome,
    messages,
    steps,
)
from fakes import FakeClock, result
from image_world import SHOP, ImageHost, image, pulled
from simulated import Fault
from simulated_world import NEW, OLD, STATE, World, fresh, image_id

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Login
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.events import Event, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.ops.pulled import again
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result
from schedgen_ops.rollback.run import rollback
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Secret

LOGIN = Login("registry.example", "ci", Secret("pw-of-ci"))


def deploy(
    *hosts: ImageHost,
    tag: str = "v1.2.3",
    run: str = FIRST,
    config: Settings = pulled,
    login: Login | None = None,
) -> Outcome:
    seen: list[Event] = []
    clock, sign_in = FakeClock(), (lambda: login) if login else None
    session = Session(
        config,
        Fleet(hosts),
        Ref(tag),
        run,
        clock,
        seen.append,
        OWNER,
        sign_in=sign_in,
    )
    try:
        release = assemble(session)()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def record(world: World, release: str) -> dict[str, object]:
    return dict(json.loads(world.files[f"{STATE}/releases/{release}/release.json"]))


def test_a_tag_is_deployed_without_git_and_without_a_build() -> None:
    host = ImageHost("app1")
    outcome = deploy(host)
    assert outcome.code == 0, outcome.error
    assert outcome.release == f"{FIRST}-v1.2.3" == host.world.current
    assert host.world.boxes["backend"].image == image_id("backend", NEW)
    told = record(host.world, outcome.release)
    assert (told["commit"], told["branch"]) == ("", "v1.2.3")
    titles = steps(outcome)
    assert "Pulling images" in titles
    assert not {"Pulling latest code", "Building containers"} & {*titles}
    assert not any("commit" in text for text in messages(outcome))
    assert not any("compose build" in name for name in host.asked)


def test_what_ran_before_is_kept_and_can_be_gone_back_to() -> None:
    host = ImageHost("app1")
    assert deploy(host).code == 0
    assert host.world.records() == {f"{FIRST}-as-found-adopted": "ADOPTED", f"{FIRST}-v1.2.3": "DONE"}
    seen: list[Event] = []
    target = ReleaseId(f"{FIRST}-as-found-adopted")
    session = Session(pulled, Fleet((host,)), None, SECOND, FakeClock(), seen.append, OWNER)
    rollback(session, target)()
    assert host.world.boxes["backend"].image == image_id("backend", OLD)


def test_a_tag_that_is_not_there_is_refused_before_anything_changes() -> None:
    host = ImageHost("app1")
    outcome = deploy(host, tag="v9")
    assert outcome.code == 3
    assert not host.world.changed
    assert f"the registry has no {image('backend', 'v9')}" in outcome.error.detail  # type: ignore[union-attr]


def test_a_release_that_fails_goes_back_and_leaves_no_image() -> None:
    host = ImageHost("app1", world=replace(fresh(), sick=("frontend",)))
    before = host.world.copy()
    assert deploy(host).code == 4
    assert host.world.serving == before.serving
    assert not [name for name in host.world.images if name.endswith("-v1.2.3")]
    # A second one finds nothing to put right.
    host.world.sick = ()
    again = deploy(host, run=SECOND)
    assert again.code == 0, again.error
    assert not [text for text in messages(again, "warn") if "interrupted" in text]


def _commands(world: World, tag: str, run: str) -> list[str]:
    host = ImageHost("app1", world=world)
    assert deploy(host, tag=tag, run=run).code == 0
    return host.asked


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST], ids=["error", "lost"])
def test_whichever_command_fails_the_exit_code_tells_the_truth(fault: Fault) -> None:
    first = ImageHost("app1")
    assert deploy(first).code == 0
    before, wrong = first.world, []
    for number, name in enumerate(_commands(before, "v1.2.4", SECOND)):
        host = ImageHost("app1", world=before, fault=replace(fault, at=number))
        outcome = deploy(host, tag="v1.2.4", run=SECOND)
        same = host.world.serving == before.serving
        good = {
            0: host.world.current == f"{SECOND}-v1.2.4" and not same,
            3: same and not host.world.changed,
            4: same and host.world.current == before.current,
            5: True,
            7: same and not host.world.changed,
            8: same,
        }
        if not good.get(outcome.code, False):
            wrong.append(f"{number} {name[:60]}: exit {outcome.code}")
    assert not wrong, "\n".join(wrong)


def test_who_signs_in_does_so_to_pull_from_that_registry_alone() -> None:
    host = ImageHost("app1")
    assert deploy(host, login=LOGIN).code == 0
    assert host.asked.count("docker pull") == 1
    assert "docker compose pull" not in host.asked
    other = ImageHost("app1")
    assert deploy(other, login=replace(LOGIN, server="elsewhere.example")).code == 0
    assert "docker compose pull" in other.asked


def test_nothing_is_pulled_where_the_config_says_never() -> None:
    config = pulled.model_copy(update={"build": pulled.build.model_copy(update={"pull": "never"})})
    host = ImageHost("app1")
    outcome = deploy(host, config=config)
    assert outcome.code == 3
    assert "not on the host" in str(outcome.error.detail)  # type: ignore[union-attr]
    assert f"{SHOP}/backend:v1.2.3" in str(outcome.error.detail)  # type: ignore[union-attr]


def test_the_names_that_images_were_pulled_by_go_with_their_releases() -> None:
    few = pulled.model_copy(update={"releases": pulled.releases.model_copy(update={"keep": 1})})
    host = ImageHost("app1")
    assert deploy(host, config=few).code == 0
    told = record(host.world, f"{FIRST}-v1.2.3")["services"]
    assert told["backend"]["digest"] == f"{SHOP}/backend@{image_id('backend', NEW)}"  # type: ignore[index]
    assert image("backend", "v1.2.3") in host.world.images
    assert deploy(host, tag="v1.2.4", run=SECOND, config=few).code == 0
    assert image("backend", "v1.2.3") not in host.world.images
    assert image("backend", "v1.2.4") in host.world.images


def test_what_the_serving_release_runs_is_pulled_again_by_its_digest() -> None:
    host = ImageHost("app1")
    assert deploy(host).code == 0
    asked: list[str] = []

    class Registry(ImageHost):
        def _pull(self, images: Sequence[str]) -> Result:
            asked.extend(images)
            self.world.images |= {name: name.partition("@")[2] for name in images}
            return result()

    there = Registry("app1", world=host.world)
    again(HostContext(there, pulled, FakeClock(), silence), ("backend",))
    assert asked == [f"{SHOP}/backend@{image_id('backend', NEW)}"]
