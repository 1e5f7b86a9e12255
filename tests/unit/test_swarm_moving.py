"""A project moved from Compose to a Swarm: what it takes, what speaks against it, what is done on a node."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit import bash, path, program
from swarm_kit import document, services, swarm

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.moving import Box, ComposeSide, Surveyed, images, parse_survey, survey
from schedgen_ops.commands.registry import Held
from schedgen_ops.commands.swarm import Node, Seen, Standing
from schedgen_ops.errors import Refused
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.release.record import Release, ReleaseId, State, from_json, to_json
from schedgen_ops.swarm import crossing
from schedgen_ops.swarm.compose_side import composed
from schedgen_ops.swarm.move_plan import Found, MovePlan, planned

NODES = (
    Node("id1", "app1", "Ready", "Active", "Leader", "20.10.24", True),
    Node("id2", "app2", "Ready", "Active", "Reachable", "20.10.24"),
    Node("id3", "app3", "Ready", "Active", "Reachable", "20.10.24"),
)
SITE = (Box("shop-store-1", "store", True), Box("shop-web-1", "web", True, (3000,)))
FIRST = Surveyed("id1", SITE, {"shop_data": "12MB", "other": ""}, (3000,), "", True)
OTHER = Surveyed("id2", writable=True)


def found(written: dict[str, Any] | None = None, **changes: Any) -> Found:
    """What is found where all is well, but for what is changed."""
    written = written or document()
    known: dict[str, Any] = {
        "settings": swarm(database={"service": "store", "user": "shop", "name": "shop"}),
        "seen": Seen(NODES),
        "surveys": {"app1": FIRST, "app2": OTHER},
        "held": {"app1": Held("x", "missing"), "app2": Held("x", "missing")},
        "silent": {},
        "document": written,
        "services": services(written),
    }
    return Found(**{**known, **changes})


def refusals(plan: MovePlan) -> list[str]:
    return [problem.text for problem in plan.refusals]


def test_what_can_be_moved_is_told_with_its_gap() -> None:
    plan = planned(found())
    assert plan.problems == ()
    (volume,) = plan.volumes
    assert (volume.service, volume.name, volume.places) == ("store", "shop_data", (("app1", "12MB"),))
    assert plan.registry == (("app1", "answers"), ("app2", "answers"))
    assert plan.services == (("store", "yes"), ("web", "yes"))
    assert plan.ports == ((3000, ("app1",)),)
    assert plan.stops == {"app1": ("store", "web")}
    gap = "\n".join(plan.gap)
    assert "port 3000 answers nobody" in gap
    assert "Stopped on app1: store, web" in gap
    assert "started where it is: store" in gap
    assert "a backup of store" in gap


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"silent": {"app2": "no route"}}, "app2 cannot be asked"),
        ({"surveys": {"app1": FIRST, "app2": replace(OTHER, node="")}}, "app2 is no node of the Swarm"),
        (
            {"seen": Seen((NODES[0], replace(NODES[1], status="Down"), NODES[2]))},
            "the node app2 is reachable",
        ),
        ({"seen": Seen((replace(NODES[0], availability="Drain"), *NODES[1:]))}, "the node app1 is drain"),
        (
            {"seen": Seen(NODES, (Standing("web", "replicated", 1, 1),))},
            "services of the project already: web",
        ),
        ({"surveys": {"app1": replace(FIRST, moved="r1")}}, "the move r1 was interrupted"),
        ({"surveys": {"app1": replace(FIRST, writable=False)}}, "may not be written to"),
        ({"surveys": {"app1": replace(FIRST, boxes=())}}, "Compose runs nothing of shop"),
        ({"unfit": (Problem("services.web.devices: no"),)}, "services.web.devices"),
        (
            {"held": {"app2": Held("x", "silent", "refused")}},
            "app2: the registry registry:5000 does not answer",
        ),
        (
            {"held": {"app1": Held("x", "shut", "401")}},
            "app1: the registry registry:5000 asks for a password",
        ),
        (
            {"surveys": {"app1": FIRST, "app2": replace(OTHER, volumes={"shop_data": ""})}},
            "store: its data is on several hosts, and a Swarm runs it on one: shop_data on app1, app2",
        ),
        ({"surveys": {"app1": replace(FIRST, volumes={})}}, "where shop_data is, is not known"),
        (
            {"surveys": {"app1": FIRST, "app2": replace(OTHER, busy=(3000,))}},
            "app2: port 3000 is somebody else's",
        ),
    ],
)
def test_what_speaks_against_it_is_named(changes: dict[str, Any], said: str) -> None:
    assert any(said in text for text in refusals(planned(found(**changes)))), planned(
        found(**changes)
    ).problems


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seen": Seen(NODES[:2])}, "there are two managers"),
        ({"held": {"app2": Held("x", "unknown", "old")}}, "cannot be asked"),
        ({"held": {"app2": Held("x", "shut", "401")}}, "gets images with its services' credentials"),
        (
            {"seen": Seen((NODES[0], replace(NODES[1], availability="Drain"), NODES[2]))},
            "the node app2 is drain",
        ),
    ],
)
def test_what_is_only_to_be_known_refuses_nothing(changes: dict[str, Any], said: str) -> None:
    plan = planned(found(**changes))
    assert refusals(plan) == []
    assert any(said in problem.text for problem in plan.problems)


def test_a_service_that_a_stack_cannot_be_told_of_is_named_with_why() -> None:
    unfit = (Problem("services.web.devices: a stack cannot say it"), Problem("networks.x.driver: no"))
    assert planned(found(unfit=unfit)).services == (
        ("store", "yes"),
        ("web", "devices: a stack cannot say it"),
    )


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        ("node.hostname == app1", True),
        ("node.hostname==app2", False),
        ("node.hostname != app1", False),
        ("node.id == id1", True),
        ("node.labels.disk == fast", True),
    ],
)
def test_data_is_where_its_owner_wants_the_service(constraint: str, *, fits: bool) -> None:
    written = document()
    written["services"]["store"]["deploy"] = {"placement": {"constraints": [constraint]}}
    plan = planned(found(written))
    assert bool(refusals(plan)) != fits, plan.problems


def test_what_compose_runs_is_verified_host_by_host() -> None:
    settings = composed(swarm(), {"app1": ("store", "web")})
    assert not settings.on_swarm
    assert [host.services for host in settings.hosts] == [("store", "web"), ()]


def release(id_: str, *, moves: bool = False, state: State = State.DONE) -> Release:
    return Release(ReleaseId(id_), "v1", "a" * 40, state, moves=moves)


def test_no_rollback_leads_across_the_move() -> None:
    releases = (
        release("1"),
        release("2", moves=True, state=State.FAILED),
        release("3", moves=True),
        release("4"),
    )
    assert [crossing.of_compose(releases, each) for each in releases] == [True, True, False, False]
    with pytest.raises(Refused, match="1 was run by Compose; 3 moved the project") as told:
        crossing.refuse(releases, releases[0], "app1")
    assert told.value.hint.startswith("`inv deploy --branch aaaaaaaaaaaa`")
    crossing.refuse(releases, releases[2], "app1")
    crossing.refuse(releases[:2], releases[0], "app1")
    assert from_json(to_json(releases[2])) == releases[2]


# An engine made of files: `box-ID` has whether it runs, its restart policy, and what its mounts are.
_DOCKER = r"""
cd -- "$FAKE" || exit 9
echo "$*" >> log
ids=("${@:2}")
case "$*" in
  'info --format'*) echo '{"node":"id1"}' ;;
  'ps --all'*) for file in box-*; do [ ! -e "$file" ] || echo "${file#box-}"; done ;;
  'inspect --format {"box"'*)
    for id in "${@:4}"; do
      [ -e "box-$id" ] || exit 1
      read -r runs _ < "box-$id"
      [ "$runs" = true ] && status=running || status=exited
      printf '{"box":"/shop-%s-1","labels":{"com.docker.compose.service":"%s"},' "$id" "$id"
      printf '"status":"%s",' "$status"
      echo '"ports":{"8000/tcp":[{"HostIp":"","HostPort":"3000"}],"9/tcp":null},"mounts":[]}'
    done
    ;;
  'inspect --format {{if index'*)
    for id in "${@:4}"; do echo "$id $(< "box-$id")"; done
    ;;
  'inspect --format {{.Name}}'*)
    for id in "${@:4}"; do
      read -r runs _ < "box-$id"
      [ "$runs" = true ] && echo "/$id running healthy" || echo "/$id exited "
    done
    ;;
  'volume ls'*) echo '{"volume":"shop_data"}' ;;
  'system df'*) echo '{"sizes":[{"Name":"shop_data","Size":"12MB"},{"Name":"else","Size":"N/A"}]}' ;;
  'update --restart '*)
    for id in "${@:4}"; do read -r runs _ held < "box-$id" && echo "$runs $3:0 $held" > "box-$id"; done
    ;;
  'stop '* | 'start '*)
    [ "$1" = stop ] && now=false || now=true
    [ ! -e "fails-$1" ] || exit 1
    for id in "${ids[@]}"; do read -r _ rest < "box-$id" && echo "$now $rest" > "box-$id"; done
    ;;
  'rm '*) for id in "${ids[@]}"; do rm "box-$id"; done ;;
  'network ls'*) echo net1 ;;
  'network rm'*) ;;
  *) exit 9 ;;
esac
"""
BOXES = {"web": "true always:0 free", "db": "true no:0 holds", "old": "false unless-stopped:0 free"}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A host where Compose runs two containers, and a third has ended."""
    program(tmp_path, "docker", f"FAKE={tmp_path}\n{_DOCKER}")
    for name, text in BOXES.items():
        (tmp_path / f"box-{name}").write_text(f"{text}\n")
    return tmp_path


def boxes(node: Path) -> dict[str, str]:
    return {file.name.removeprefix("box-"): file.read_text().strip() for file in node.glob("box-*")}


def side(node: Path) -> ComposeSide:
    return ComposeSide(Docker(False), "shop", f"{node}/state/move/stopped")


def log(node: Path, word: str) -> list[str]:
    return [line for line in (node / "log").read_text().splitlines() if line.startswith(word)]


def test_a_node_tells_what_it_has(node: Path) -> None:
    command = survey(Docker(False), "shop", str(node), f"{node}/none", [1], sized=True)
    seen = parse_survey(bash(command, node, PATH=path(node)).stdout)
    assert seen.node == "id1"
    assert seen.runs == ("db", "web")
    assert seen.ports == (3000,)
    assert seen.volumes == {"shop_data": "12MB"}
    assert (seen.busy, seen.moved, seen.writable) == ((), "", True)
    with pytest.raises(ValueError, match="no node says so"):
        parse_survey("")
    task = {"box": "/x", "labels": {"com.docker.swarm.task.id": "t"}, "status": "running", "ports": {}}
    assert parse_survey('{"node":"a"}\n' + json.dumps(task)).boxes == ()


def test_what_compose_runs_is_stopped_and_comes_back_as_it_was(node: Path) -> None:
    """What holds data is stopped last and started first, and nothing starts it in between."""
    done = bash(side(node).away("r1"), node, PATH=path(node))
    assert done.ok, done.stderr
    assert boxes(node) == {
        "web": "false no:0 free",
        "db": "false no:0 holds",
        "old": "false no:0 free",
    }
    assert log(node, "stop") == ["stop web", "stop db"]
    # Once more is nothing new: what is noted is what there was.
    assert bash(side(node).away("r1"), node, PATH=path(node)).ok
    noted = survey(Docker(False), "shop", str(node), side(node).record, [], sized=False)
    assert parse_survey(bash(noted, node, PATH=path(node)).stdout).moved == "r1"
    back = bash(side(node).back(5), node, PATH=path(node))
    assert (back.stdout, back.stderr) == ("started 2\n", "")
    assert boxes(node) == BOXES
    assert log(node, "start") == ["start db", "start web"]
    again = bash(side(node).back(5), node, PATH=path(node))
    assert (again.ok, again.stdout) == (True, "")


def test_what_does_not_stop_or_start_is_no_success(node: Path) -> None:
    (node / "fails-stop").touch()
    stopped = bash(side(node).away("r1"), node, PATH=path(node))
    assert (stopped.ok, "2 containers of Compose's still run" in stopped.stderr) == (False, True)
    (node / "fails-stop").unlink()
    assert bash(side(node).away("r1"), node, PATH=path(node)).ok
    (node / "fails-start").touch()
    assert not bash(side(node).back(0), node, PATH=path(node)).ok
    (node / "fails-start").unlink()
    # What is noted stays so until it runs.
    assert bash(side(node).back(5), node, PATH=path(node)).stdout == "started 2\n"


def test_what_was_stopped_is_removed_and_nothing_else(node: Path) -> None:
    assert bash(side(node).away("r1"), node, PATH=path(node)).ok
    (node / "box-later").write_text("true no:0 free\n")
    over = bash(side(node).over(), node, PATH=path(node))
    assert (over.stdout, over.stderr) == ("removed 3\n", "")
    assert set(boxes(node)) == {"later"}
    assert log(node, "network rm") == ["network rm net1"]
    assert bash(side(node).over(), node, PATH=path(node)).stdout == ""


def test_the_images_of_a_release_are_each_told_once(tmp_path: Path) -> None:
    for name in ("web", "worker"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"services": {name: {"image": "r/x@y"}}}, indent=1))
    assert bash(images(str(tmp_path)), tmp_path).lines() == ("r/x@y",)
