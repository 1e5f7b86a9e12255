"""What of the mounted files a release has for itself: nothing that anybody writes or could miss is copied."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from deploying import RELEASE, deploy
from hypothesis import given
from hypothesis import strategies as st
from kit import minimal, quickly
from planning import box
from simulated import SimHost
from simulated_world import NEW, RULES, STATE

from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.docker import Bind, Container, parse_containers
from schedgen_ops.commands.own_files import Tracked, parse_tracked, parse_written
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import own_files, plan
from schedgen_ops.rollout.own_files import NOTHING, Own, is_in
from schedgen_ops.settings import Settings

HERE, TREE = "/srv/blog", "/srv/blog/.schedgen/releases/r2/tree"
NOWHERE, IN_PLACE = minimal(), minimal(release={"in_place": ["said"]})


def services(**mounts: Sequence[str]) -> tuple[Service, ...]:
    """Services by what they mount, SOURCE:TARGET or SOURCE:TARGET:ro each."""
    bodies = {name: {"image": "i", "volumes": [*map(_volume, seen)]} for name, seen in mounts.items()}
    return parse_services({"services": bodies}, {})


def _volume(text: str) -> dict[str, Any]:
    source, target, *read_only = text.split(":")
    if not source:
        return {"type": "volume", "target": target}
    path = source if source.startswith("/") else f"{HERE}/{source}".removesuffix("/.")
    said = {"type": "bind", "source": path, "target": target, "bind": {"create_host_path": True}}
    return said | ({"read_only": True} if read_only else {})


def runs(service: str, *binds: str, status: str = "running") -> Container:
    """A container of a service with these paths of the host, that it may write to."""
    pairs = (each.split(":") for each in binds)
    found = tuple(Bind(f"{HERE}/{path}".removesuffix("/."), target, True) for path, target in pairs)
    return replace(box(service, "r1", "i", status=status), binds=found)


def told(*paths: str, place: str = "", **more: Mapping[str, Any]) -> Tracked:
    return Tracked(dict.fromkeys(paths, "1"), place, **more)


def decided(
    found: Sequence[Service],
    tracked: Tracked,
    *boxes: Container,
    deployed: Sequence[str] = ("web", "app"),
    config: Settings = NOWHERE,
) -> Own:
    return own_files.decide(found, config, tracked, boxes, TREE, deployed)


def test_what_is_only_read_and_all_gits_is_the_releases_own() -> None:
    mounts = ("public:/srv/public:ro", "site.conf:/etc/site.conf:ro", "data:/data", "/etc:/etc:ro")
    found = services(web=mounts)
    own = decided(found, told("public", "site.conf"))
    assert (own.paths, own.stays) == (("public", "site.conf"), {})
    assert own.sources == {f"{HERE}/{each}": f"{TREE}/{each}" for each in ("public", "site.conf")}
    assert own.targets == {"web": ("/srv/public", "/etc/site.conf")}
    assert (own.points, own.extra) == ((), "")


def test_a_project_deeper_in_its_repository_has_what_is_beside_it_too() -> None:
    found = services(web=["/srv/shared:/shared:ro", ".:/app:ro"])
    own = decided(found, told("../shared", ".", place="blog/"))
    assert own.sources == {"/srv/shared": f"{TREE}/shared", HERE: f"{TREE}/blog"}
    assert own.extra == ".env"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"unfit": {"public": "link"}}, "it is a link"),
        ({"unfit": {"public": "submodule lib/x"}}, "there is a submodule in it"),
        ({"unfit": {"public": "placeholder up"}}, "up in it holds the place of what is written there"),
        ({"others": {"public": ("public/up/",)}}, "public/up is not as git has it"),
        ({"empty": {"public": ("./public/up",)}}, "public/up is not git's"),
        ({"foreign": {"public": ("./public/a",)}}, "public/a is another user's, or no file"),
    ],
)
def test_what_speaks_against_a_copy_is_told(more: dict[str, Any], why: str) -> None:
    own = decided(services(web=["public:/srv/public:ro"]), told("public", **more))
    assert (own.paths, own.stays) == ((), {f"{HERE}/public": why})


def test_what_the_config_keeps_in_place_stays_with_all_around_it() -> None:
    for path in ("said", "said/below"):
        own = decided(services(web=[f"{path}:/x:ro"]), told(path), config=IN_PLACE)
        assert own.stays == {f"{HERE}/{path}": "release.in_place says so"}
    assert decided(services(web=[".:/app:ro"]), told("."), config=IN_PLACE).paths == ()


def test_our_own_folders_and_the_env_file_are_passed_over_and_the_env_file_goes_with_it() -> None:
    names = (".schedgen/", "backups/", ".env")
    found = services(web=[".:/app:ro", ".env:/run/env:ro"])
    own = decided(found, told(".", others={".": names}, empty={".": ("backups/x",)}))
    assert (own.paths, own.extra) == ((".",), ".env")
    # It is no copy of somebody else's, whoever may read that.
    own = decided(found, told(".", foreign={".": ("./.env",)}))
    assert own.paths == ()
    assert decided(services(web=["public:/x:ro"]), told("public")).extra == ""


def test_where_other_things_are_mounted_in_it_there_is_a_place_for_them() -> None:
    found = services(app=[".:/app:ro", ":/app/node_modules", "my.conf:/app/etc/my.conf:ro"])
    own = decided(found, told(".", "my.conf", empty={".": ("node_modules",)}))
    assert own.paths == (".", "my.conf")
    assert own.points == (("etc/my.conf", f"{HERE}/my.conf"), ("node_modules", ""))
    full = decided(found, told(".", "my.conf", others={".": ("node_modules/",)}))
    assert full.paths == ()


def test_what_may_be_written_to_is_copied_once_it_was_seen_not_to_be() -> None:
    found = services(web=["src:/app/src"])
    why = "web may write to it, and does not run with it yet"
    assert decided(found, told("src")).stays == {f"{HERE}/src": why}
    for boxes in (
        [runs("web", "src:/app/src")],
        [runs("web", ".schedgen/releases/r1/tree/src:/app/src")],
    ):
        assert decided(found, told("src"), *boxes).paths == ("src",)
    for boxes in (
        [runs("app", "src:/app/src")],
        [runs("web", "src:/app/other")],
        [runs("web", "other:/app/src")],
        [runs("web", ".schedgen/releases/r1/tree/other:/app/src")],
        [runs("web", "src:/app/src", status="created")],
        [replace(runs("web"), binds=(Bind(f"{HERE}/src", "/app/src", False),))],
    ):
        assert decided(found, told("src"), *boxes).paths == ()
    # What no deploy brings goes on seeing the folder, and whatever it writes there.
    assert decided(found, told("src"), runs("web", "src:/app/src"), deployed=["app"]).paths == ()


def test_what_is_in_one_another_goes_together() -> None:
    found = services(web=[".:/app:ro"], app=["media:/media"])
    own = decided(found, told(".", "media"))
    assert own.stays.keys() == {HERE, f"{HERE}/media"}
    own = decided(services(web=[".:/app:ro"], app=["data:/data"]), told("."))
    assert own.stays == {HERE: "data in it, which is mounted too, is not git's"}
    # What is around the project is not in it.
    own = decided(services(web=["public:/app:ro"], app=["/:/host:ro"]), told("public"))
    assert own.paths == ("public",)


def test_nothing_is_a_releases_own_where_no_git_is_asked() -> None:
    assert decided(services(web=["public:/x:ro"]), Tracked({"public": "1"})) == NOTHING


PATHS = [".", "a", "a/b", "a/b/c", "ab", "d", "d/e"]
MOUNTS = [f"{path}:/m/{path}{end}" for path in PATHS for end in ("", ":ro")]
CHANCE = st.sampled_from([True, False, False])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[tuple[Service, ...], Tracked, list[Container]]:
    some = st.lists(st.sampled_from(MOUNTS), max_size=3, unique_by=lambda each: each.split(":")[0])
    mounts = {name: draw(some) for name in ("web", "app")}
    tracked = [path for path in PATHS if draw(st.booleans())]
    others = {path: (f"{path}/x",) for path in tracked if draw(CHANCE)}
    boxes = [
        runs(name, *(each.removesuffix(":ro") for each in seen if draw(st.booleans())))
        for name, seen in mounts.items()
    ]
    return services(**mounts), told(*tracked, others=others), boxes


@quickly
@given(worlds(), st.sampled_from(PATHS))
def test_nothing_is_copied_that_anybody_could_miss(
    world: tuple[tuple[Service, ...], Tracked, list[Container]], more: str
) -> None:
    found, tracked, boxes = world
    mounted = {each for service in found for each in service.mounts}
    ids = {path: "1" for path in tracked.ids if f"{HERE}/{path}".removesuffix("/.") in mounted}
    tracked = replace(tracked, ids=ids)
    own = decided(found, tracked, *boxes)
    idle = {(each.service, bind.source) for each in boxes for bind in each.binds}
    known = {f"{HERE}/{path}".removesuffix("/.") for path in tracked.ids}
    assert own.sources.keys() | own.stays.keys() == known
    assert not own.sources.keys() & own.stays.keys()
    for path in own.sources:
        # What is in it, and what it is in, is the release's own too: nobody writes there.
        assert not any(is_in(other, path) for other in mounted - own.sources.keys())
        assert not any(is_in(path, other) for other in own.stays)
        writers = [(s.name, path) for s in found for each in s.sees if each.source == path and each.writable]
        assert {*writers} <= idle
    for path, names in tracked.others.items():
        assert path not in own.paths, names
    # Whatever lies there besides, never is more of it the release's own.
    if more in tracked.ids:
        fewer = decided(found, replace(tracked, others={**tracked.others, more: ("x",)}), *boxes)
        assert fewer.sources.keys() <= own.sources.keys()


def test_a_mixed_up_answer_is_read_by_its_kinds() -> None:
    said = "- - 12.ab\t.\0place a/\t.\0unfit link\tx\0other y z\tx\0other w\tx\0- - 13\tx\0"
    found = parse_tracked(said)
    assert found == Tracked({".": "12.ab", "x": "13"}, "a/", {"x": "link"}, {"x": ("y z", "w")})
    assert parse_written("r1\ta b\0r1\tc\0r2\td\0") == {"r1": ("a b", "c"), "r2": ("d",)}


def test_paths_of_the_host_in_a_container_are_read() -> None:
    mounts = [
        {"Type": "bind", "Source": f"{TREE}/a b", "Destination": "/a", "RW": True},
        {"Type": "bind", "Source": TREE, "Destination": "/b", "RW": False},
        {"Type": "bind", "Source": f"{HERE}/.schedgen/ingress", "Destination": "/c", "RW": False},
        {"Type": "volume", "Source": "/var/lib/docker/x", "Destination": "/d", "RW": True},
    ]
    body = {"id": "1", "name": "/a", "image": "i", "image_name": "i", "labels": {}, "status": "running"}
    rest = {"health": "", "started": "", "restarts": 0, "exit_code": 0, "oom": False, "mounts": mounts}
    (found,) = parse_containers(json.dumps(body | rest))
    assert [bind.own for bind in found.binds] == [("r2", "a b"), ("r2", "."), ("", "")]
    assert found.own == {"/a", "/b"}


def test_a_container_goes_back_to_the_projects_folder_with_the_release_that_says_so() -> None:
    wanted = ServiceRecord("p-web:r2", "i", "same", own_files=("/app",))
    own = replace(box("web", "r1", "i"), binds=(Bind(f"{TREE}/src", "/app", True),))
    # Which release's files it sees is no difference, nor is it where it still sees the work tree.
    assert plan.differs(wanted, [own], None) == plan.differs(wanted, [box("web", "r1", "i")], None) == ""
    why = "what it mounts is in the project's folder again"
    assert plan.differs(replace(wanted, own_files=()), [own], None) == why


def test_the_way_back_has_own_files_only_where_the_records_say_so() -> None:
    found = services(web=["public:/srv/public:ro", "src:/app/src:ro"])
    sources = {f"{HERE}/public": f"{TREE}/public", f"{HERE}/src": f"{TREE}/src"}
    record = ServiceRecord("p-web:r1", "i", "d", own_files=("/srv/public", "/app/src"))
    text = plan.overlay({"web": record}, ReleaseId("r1"), None, found, sources)
    body = json.loads(text)["services"]["web"]
    assert [each["source"] for each in body["volumes"]] == [*sources.values()]
    assert all(each["bind"] == {"create_host_path": False} and each["read_only"] for each in body["volumes"])

    def back(*targets: str) -> list[str]:
        later = plan.relabelled(text, ReleaseId("r3"), {"web": replace(record, own_files=targets)})
        return [each["target"] for each in json.loads(later)["services"]["web"].get("volumes", ())]

    assert back("/srv/public", "/app/src") == ["/srv/public", "/app/src"]
    assert back("/app/src") == ["/app/src"]
    assert back() == []


def test_a_deploy_that_would_lose_what_a_container_wrote_is_refused_before_anything() -> None:
    host = SimHost()
    assert deploy(host).code == 0
    tree = f"{STATE}/releases/{RELEASE}/tree"
    assert host.world.boxes["prometheus"].tree == tree
    host.world.wrote = f"prometheus\t{RELEASE}\t{RULES}\0"
    before = host.world.copy()
    outcome = deploy(host, branch="v1.2.4", run="20250115_130000")
    assert outcome.code == 3, outcome.error
    told = str(outcome.events)
    assert f"prometheus wrote into the files of {RELEASE}, which a new one does not see: {RULES}" in told
    assert f"{STATE}/releases/{RELEASE}/tree" in told
    assert host.world.serving == before.serving
    assert host.world.trees == {tree: NEW}


def test_the_files_of_releases_that_nothing_goes_back_to_go_with_their_images() -> None:
    host = SimHost()
    names = [f"20250115_1{number}0000" for number in range(2, 9)]
    for number, name in enumerate(names):
        assert deploy(host, branch=("v1.2.3", "v1.2.4")[number % 2], run=name).code == 0
    trees = sorted(tree.split("/")[-2][:15] for tree in host.world.trees)
    assert trees == names[-len(trees) :]
    assert len(trees) < len(names)
