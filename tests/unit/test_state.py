"""A volume that each container has for itself: never two of it, and that is said before anything changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import deploying
import pytest
from deploying import RELEASE, deploy, messages
from kit import bash, commit, git, minimal, settings
from planning import box
from simulated import SimHost
from simulated_world import NEW, image_id

from schedgen_ops.checklist.fitting import problems
from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.docker import Bind, Image, parse_images
from schedgen_ops.commands.git import tree_ids
from schedgen_ops.commands.own_files import parse_tracked
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.rollout import plan, state
from schedgen_ops.rollout.own_files import Own
from schedgen_ops.rollout.strategies import registry

WIKI = {"image": "wiki:1", "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
BUILT = {"build": {"context": "/srv/blog/web"}}
KEEPS = Image("sha256:w", ("wiki:1",), ("/var/lib/wiki",))
WHY = "each container of it has a volume of its own at /var/lib/wiki"


def known(
    services: dict[str, Any], images: Sequence[Image] = (KEEPS,), *boxes: Any, tracked: Sequence[str] = ()
) -> dict[str, Service]:
    found = parse_services({"services": services}, {})
    declared = state.volumes(found, images, boxes)
    return {each.name: each for each in state.judged(found, minimal(), declared, tracked)}


def how(service: Service, **rollout: list[str]) -> str:
    return registry.chosen([service], minimal(rollout=rollout))[service.name].name


def test_a_volume_that_the_image_declares_is_a_volume_of_each_container() -> None:
    wiki = known({"wiki": WIKI})["wiki"]
    assert (wiki.own, wiki.alone) == (("/var/lib/wiki",), WHY)
    assert how(wiki) == how(wiki, ingress=["wiki"]) == how(wiki, start_first=["wiki"]) == "stop-first"
    # A built one is known by what runs, until its image is there.
    web = known({"web": BUILT}, [replace(KEEPS, names=())], box("web", "", "sha256:w"))["web"]
    assert how(web) == "stop-first"
    assert how(known({"web": BUILT})["web"]) == "start-first"


@pytest.mark.parametrize(
    "mount",
    [
        {"volumes": [{"type": "volume", "source": "pages", "target": "/var/lib/wiki/"}]},
        {"volumes": [{"type": "bind", "source": "/data", "target": "/var/lib/wiki"}]},
        {"volumes": [{"type": "tmpfs", "target": "/var/lib/wiki"}]},
        {"tmpfs": ["/var/lib/wiki:size=64m"]},
    ],
)
def test_what_a_mount_covers_is_none(mount: dict[str, Any]) -> None:
    wiki = known({"wiki": {**WIKI, **mount}})["wiki"]
    assert wiki.own == ()
    assert how(wiki, ingress=["wiki"]) == "ingress"


def test_an_anonymous_volume_of_the_file_is_one_too() -> None:
    web = known({"web": {**BUILT, "volumes": [{"type": "volume", "target": "/app/cache"}]}})["web"]
    assert web.alone.endswith("a volume of its own at /app/cache")
    assert how(web, start_first=["web"]) == "stop-first"


def test_a_config_that_asks_for_two_is_refused_with_the_reason() -> None:
    config = settings("app1", tiers=[], database=None, objects=None, migrations=None, checks=[])
    config = config.model_copy(update={"rollout": minimal(rollout={"ingress": ["wiki"]}).rollout})
    (problem,) = problems(config, config.hosts[0], tuple(known({"wiki": WIKI}).values()))
    assert problem.refuses
    assert problem.text == f"rollout.ingress has wiki: {WHY}, and two of it cannot be there at once"
    assert "named volume" in problem.hint


def test_the_plan_says_why_there_is_a_gap() -> None:
    config = minimal()
    services = tuple(known({"wiki": WIKI}).values())
    boxes = [box("wiki", "", "sha256:old")]
    (row,) = forecast(config, config.hosts[0], services, boxes, None, "a" * 40, ()).rows
    assert row[3] == f"stop-first ({WHY}), away until its container is healthy"


def test_what_an_image_says_is_read() -> None:
    text = '["sha256:a",["wiki:1"],{"/b":{},"/a":{}}]\n["sha256:b",null,null]\n'
    assert parse_images(text) == (Image("sha256:a", ("wiki:1",), ("/a", "/b")), Image("sha256:b"))


def test_an_image_that_was_just_built_decides_again() -> None:
    host = SimHost()
    host.world.declared[image_id("backend", NEW)] = ("/srv/pages",)
    outcome = deploy(host)
    assert outcome.code == 0
    why = "each container of it has a volume of its own at /srv/pages"
    assert f"Service backend is replaced stop-first: {why}, as its image says" in messages(outcome)
    assert not host.world.overlays[f"/srv/schedgen/.schedgen/releases/{RELEASE}"]["backend"]["behind"]
    assert host.world.boxes["backend"].publishes


def test_two_of_an_image_that_was_just_built_are_refused_before_anything_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deploying, "one", settings("app1", rollout={"start_first": ["pdf-worker"]}))
    host = SimHost()
    host.world.declared[image_id("pdf-worker", NEW)] = ("/srv/pages",)
    before = host.world.serving
    outcome = deploy(host)
    assert (outcome.code, outcome.failed_step) == (4, "Building containers")
    assert "rollout.start_first has pdf-worker: each container of it has a volume of its own" in str(
        outcome.error
    )
    assert host.world.serving == before


@pytest.mark.parametrize(
    ("source", "how_replaced"),
    [
        ("/srv/blog/data", "stop-first"),
        ("/data/blog", "stop-first"),
        ("/srv/blog/src", "start-first"),
        ("/srv/blog", "start-first"),
        ("/srv/blog/.env", "start-first"),
        ("/var/run/docker.sock", "start-first"),
        ("/srv/blog/tmp/app.sock", "start-first"),
        ("/etc/localtime", "start-first"),
        ("/dev/ttyUSB0", "stop-first"),
        ("/dev/shm", "start-first"),
    ],
)
def test_what_it_may_write_to_is_data_unless_it_is_the_projects_own_or_the_machines(
    source: str, how_replaced: str
) -> None:
    mount = {"type": "bind", "source": source, "target": "/x"}
    web = known({"web": {**BUILT, "volumes": [mount]}}, tracked=(".", "src"))["web"]
    assert how(web) == how_replaced
    read = known({"web": {**BUILT, "volumes": [{**mount, "read_only": True}]}}, tracked=())["web"]
    assert how(read) == "start-first"


def test_what_two_can_share_is_the_configs_to_say_and_a_device_is_not() -> None:
    data = {"volumes": [{"type": "bind", "source": "/srv/blog/data", "target": "/data"}]}
    web = known({"web": {**BUILT, **data}})["web"]
    assert (web.alone, web.once) == ("", "it may write to /srv/blog/data")
    assert how(web, start_first=["web"]) == "start-first"
    for devices in (
        ["/dev/ttyUSB0:/dev/ttyUSB0:rwm"],
        [{"source": "/dev/ttyUSB0", "target": "/dev/ttyUSB0"}],
    ):
        web = known({"web": {**BUILT, "devices": devices}})["web"]
        assert web.alone == "it has the host's /dev/ttyUSB0"
        assert how(web, start_first=["web"]) == "stop-first"
    assert how(known({"web": {**BUILT, "devices": ["/dev/dri:/dev/dri"]}})["web"]) == "start-first"


def test_the_plan_tells_that_mounted_code_changes_under_what_runs() -> None:
    config = minimal()
    mount = {"type": "bind", "source": "/srv/blog", "target": "/app"}
    body = {"image": "node:22", "volumes": [mount], "ports": WIKI["ports"]}
    services = parse_services({"services": {"web": body}}, {"web": "same"})
    runs = replace(box("web", "", "i"), binds=(Bind("/srv/blog", "/app", True),))
    found = forecast(config, config.hosts[0], services, [runs], None, "a" * 40, ["server.js"])
    (row,) = found.rows
    assert row[:3] == ("web", "replace", "server.js, which it mounts, changed")
    text = "; its files change under it already when the code is checked out"
    assert row[3].endswith(text)
    for own, end in (
        (Own(sources={"/srv/blog": "/x"}), ", this once"),
        (Own(stays={"/srv/blog": "it is a link"}), ", and later: it is a link"),
    ):
        again = forecast(config, config.hosts[0], services, [runs], None, "a" * 40, ["server.js"], own=own)
        assert again.rows[0][3].endswith(text + end)
    # A file that is mounted by itself stays the one that it was, and a release's own files do too.
    for source in ("/srv/blog/server.js", "/srv/blog/.schedgen/releases/r1/tree"):
        runs = replace(runs, binds=(Bind(source, "/app", True),))
        found = forecast(config, config.hosts[0], services, [runs], None, "a" * 40, ["server.js"])
        assert "under it" not in found.rows[0][3]


def test_the_projects_directory_itself_is_part_of_what_mounts_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    first = commit(tmp_path, "one", server_dot_js="1", data___dot_gitkeep="", src__a="1")
    second = commit(tmp_path, "two", server_dot_js="2")
    mount = {"type": "bind", "source": str(tmp_path), "target": "/app"}
    (web,) = parse_services({"services": {"web": {**BUILT, "volumes": [mount]}}}, {"web": "h"})

    def defined(at: str) -> str:
        paths = (*plan.mounted([web], str(tmp_path)), "src", "data", "gone")
        tracked = parse_tracked(bash(tree_ids(at, paths), tmp_path).stdout).ids
        # A folder that is only there to be written to is none of the project's files.
        assert {*tracked} == {".", "src"}
        return plan.definition(web, tracked, str(tmp_path))

    assert defined(first) == defined(first) != defined(second)
    (tmp_path / "src/in").mkdir()
    inside = parse_tracked(bash(tree_ids(second, (".", "..", "../server.js")), tmp_path / "src").stdout)
    assert {*inside.ids} == {".", "..", "../server.js"}
