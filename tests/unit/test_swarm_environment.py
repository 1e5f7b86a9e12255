"""An environment on a Swarm: what its config may say, which tasks work, how it stands, how it is drained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit import ROOT
from pydantic import ValidationError
from swarm_kit import document, record, services, swarm

from schedgen_ops.commands import swarm as commands
from schedgen_ops.commands.swarm import Node, Seen, Standing, Task
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.orchestrators.swarm import gate
from schedgen_ops.preflight import nodes
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.swarm import preview
from schedgen_ops.swarm.draining import node_of, planned
from schedgen_ops.tasks import namespace
from schedgen_ops.verify import checks
from schedgen_ops.watch.rules import CheckVerdict

APP1 = Node("id1", "app1", "Ready", "Active", "Leader", "20.10.24", True)
APP2 = Node("id2", "app2", "Ready", "Active", "Reachable", "20.10.24")


def line(**facts: Any) -> str:
    return json.dumps(facts)


def answer(*lines: str, code: int = 0, stderr: str = "") -> Result:
    return Result("\n".join(lines), stderr, code, 0.0)


def node(name: str = "app1", **facts: Any) -> str:
    known = {
        "status": "Ready",
        "availability": "Active",
        "manager": "Leader",
        "engine": "20.10.24",
        "self": True,
    }
    return line(node=f"id-{name}", name=name, **{**known, **facts})


def service(name: str, replicas: str = "1/1", update: str = "", message: str = "") -> tuple[str, ...]:
    return (
        line(service=f"shop_{name}", id=name, mode="replicated", replicas=replicas),
        line(
            of=f"shop_{name}", definition="aa", update=update, message=message, order="start-first", placed=[]
        ),
        *(
            line(task=f"shop_{name}.{number}", on="app1", **{"is": "Running 3 minutes ago"}, error="")
            for number in range(int(replicas[0]))
        ),
    )


def standing(name: str, *where: str, mode: str = "replicated", placed: tuple[str, ...] = ()) -> Standing:
    tasks = tuple(Task(f"shop_{name}.{number}", each, "Running") for number, each in enumerate(where))
    return Standing(name, mode, len(where), len(where), placed=placed, tasks=tasks)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"swarm": {}}, "is required"),
        ({"hosts": [{"name": "a", "address": "a", "services": ["web"]}]}, "decides what runs on which node"),
        ({"rollout": {"standby": 60}}, "has it not yet"),
        ({"rollout": {"canary_hosts": 1}}, "has it not yet"),
        ({"balancer": {"health": "/healthz"}}, "hosts taken out of a load balancer"),
        ({"build": {"where": "laptop"}}, "built on its first host"),
        ({"orchestrator": "compose"}, "is for `orchestrator: swarm`"),
    ],
)
def test_what_does_not_go_with_a_swarm_is_refused_in_the_config(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        swarm(**changes)


def test_a_task_that_does_not_know_a_swarm_is_refused_before_any_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedgen_ops.task_run import MANAGER, Options, opened

    (tmp_path / "config").mkdir()
    text = {"project": "shop", "directory": "/srv/shop", "hosts": [{"name": "a", "address": "a"}]}
    more = {"orchestrator": "swarm", "swarm": {"registry": "registry:5000"}}
    (tmp_path / "config" / "shop.yaml").write_text(json.dumps({**text, **more}))
    monkeypatch.chdir(tmp_path)
    with (
        opened(Options(env="shop")) as op,
        pytest.raises(ConfigError, match="does not work on a Swarm") as found,
    ):
        _ = op.settings
    assert found.value.exit_code == 2
    with (
        opened(Options(env="shop", hosts="a"), MANAGER) as op,
        pytest.raises(ConfigError, match="a Swarm is one"),
    ):
        _ = op.fleet


def test_the_limits_name_every_task_that_works_on_a_swarm() -> None:
    """Whoever looks there finds all of them, and no other."""
    text = (ROOT / "docs" / "limits.md").read_text()
    part = text.partition("## On a Swarm")[2].partition("\n## ")[0]
    listed = part.partition("work:")[2].partition(".\n")[0].split("`")[1::2]
    assert sorted(listed) == sorted(
        _short(name) for name in namespace.task_names if _on_a_swarm(namespace[name])
    )


def _short(name: str) -> str:
    """A collection's own name runs its default task."""
    first, _, last = name.partition(".")
    return first if first == last else name


def _on_a_swarm(task: Any) -> bool:
    cells = getattr(task.body, "__closure__", None) or ()
    return any(
        cell.cell_contents in ("manager", "nodes", "data")
        for cell in cells
        if isinstance(cell.cell_contents, str)
    )


def test_a_swarm_is_looked_at_by_its_first_host_alone() -> None:
    settings = swarm()
    first, second = (
        {check.name for check in checks.on(settings, host, checks.QUICK)} for host in settings.hosts
    )
    assert "services" in first
    assert "services" not in second


def test_a_service_that_is_not_as_it_is_to_be_does_not_pass() -> None:
    said = answer(node(), *service("web"), *service("api", "1/2", "paused", "update paused due to failure"))
    found = {one.check: one for one in _judged(swarm(), said)}
    assert found["service web"].verdict is CheckVerdict.PASSED
    assert found["service api"].verdict is CheckVerdict.FAILED
    assert "its update is paused" in found["service api"].text


def test_a_service_of_the_config_that_is_nowhere_does_not_pass() -> None:
    settings = swarm(tiers=[{"name": "Application", "services": ["web", "api"]}])
    found = {one.check: one.text for one in _judged(settings, answer(node(), *service("web")))}
    assert found["service api"] == "is not there"


def _judged(settings: Settings, said: Result) -> Any:
    (check,) = (each for each in checks.on(settings, settings.hosts[0], ("services",)))
    return check.judge(said)


def test_what_keeps_a_manager_from_deploying_refuses_and_a_lost_node_warns() -> None:
    judge = nodes.swarm(swarm())
    (problem,) = judge(answer(code=1, stderr="This node is not a swarm manager."))
    assert problem.refuses
    lost = node("app2", status="Down", manager="Unreachable", self=False)
    third = node("app3", availability="Drain", manager="", self=False)
    found = list(judge(answer(node(), lost, third, node("app4", manager="Reachable", self=False))))
    assert [problem.refuses for problem in found] == [False, False]
    assert "app2 is unreachable" in found[0].text
    assert "app3 is drain" in found[1].text
    (two,) = judge(answer(node(), node("app2", manager="Reachable", self=False)))
    assert "two managers" in two.text


def test_what_compose_runs_under_the_same_name_refuses_and_what_the_swarm_runs_does_not() -> None:
    judge = nodes.no_compose(swarm())
    task = line(name="/shop_web.1.x", labels={"com.docker.swarm.task.id": "x"})
    assert list(judge(answer(task))) == []
    (problem,) = judge(answer(task, line(name="/shop-web-1", labels={})))
    assert "shop-web-1" in problem.text
    assert problem.refuses


def test_draining_moves_what_can_run_elsewhere_first() -> None:
    gate = standing("schedgen-ingress", "app1", "app2", mode="global")
    seen = Seen((APP1, APP2), (standing("web", "app1", "app2"), standing("api", "app2"), gate))
    drain = planned(seen, APP2)
    assert (drain.moved, drain.ended) == (("web", "api"), ("schedgen-ingress",))
    assert any("app2 publishes no port any more" in note for note in drain.notes)


def test_a_node_whose_data_cannot_move_is_not_drained() -> None:
    seen = Seen((APP1, APP2), (standing("store", "app1", placed=("node.id == id1",)),))
    with pytest.raises(Refused, match="store cannot run elsewhere: its volume is on app1"):
        planned(seen, APP1)


def test_the_only_node_at_work_is_not_drained() -> None:
    with pytest.raises(Refused, match="no other node could take web"):
        planned(Seen((APP1,), (standing("web", "app1"),)), APP1)


def test_a_node_is_found_by_what_its_host_says_of_itself_or_by_its_name() -> None:
    seen = Seen((APP1, APP2))
    assert node_of(seen, "frontdoor", "id2") is APP2
    assert node_of(seen, "app1") is APP1
    with pytest.raises(ConfigError, match="no node 'app9'"):
        node_of(seen, "app9")


def test_an_answer_is_read_whatever_services_there_are() -> None:
    assert commands.parse(node(), "shop").services == ()
    seen = commands.parse("\n".join((node(), *service("web"))), "shop")
    assert seen.services[0].good
    assert seen.services[0].tasks[0].runs


def test_a_plan_says_what_happens_to_each_service_and_to_the_ingress() -> None:
    settings, before, now = swarm(), document(), document(environment={"WORD": "other"})
    now["services"]["store"]["image"] = "redis:7"
    known = {"web": record(), "store": record("stop-first")}
    wanted = services(now)
    found = {
        row[0]: row[1:] for row in preview.rows(settings, wanted, known, before, now, ["motd", "web/a.js"])
    }
    action, why, how = found["web"]
    assert action == "replace"
    assert "WORD (another value)" in why
    assert "what is in motd" in why
    assert "files that its image is built from" in why
    assert how == "start-first, behind the ingress, 2 one after the other"
    assert found["store"] == ("unchanged", "", "")
    page = "<p>later"
    assert preview.ingress(settings, wanted, before, now, page) == ""
    assert "put on every node" in preview.ingress(settings, wanted, {}, now, page)
    moved = document(ports=[{"target": 8000, "published": "3001", "protocol": "tcp"}])
    assert "answer nobody for some seconds" in preview.ingress(settings, services(moved), before, moved, page)
    made = gate.gate(gate.behind(wanted, settings), wanted, now, settings, "x@sha256:2", page)
    assert made
    assert preview.ingress(settings, wanted, before, now, page, made.part.text) == ""
    assert "node by node" in preview.ingress(settings, wanted, before, now, "<p>soon", made.part.text)


@pytest.mark.parametrize(
    ("enabled", "said"),
    [(True, "first a canary with 10, 50 % of the requests; start-first"), (False, "guarded, first a canary")],
)
def test_a_plan_says_what_a_canary_is_of_and_what_has_no_part_in_it(enabled: bool, said: str) -> None:
    settings = swarm(guard={"canary": [10, 50], "enabled": enabled})
    before, now = document(), document(environment={"WORD": "other"})
    now["services"]["store"]["image"] = "redis:8"
    known = {"web": record(), "store": record("stop-first")}
    found = {row[0]: row[3] for row in preview.rows(settings, services(now), known, before, now, [])}
    assert found["web"].startswith(said)
    assert found["store"].startswith("no part of the canary; stop-first")


def test_a_service_that_the_release_does_not_have_any_more_is_told_of() -> None:
    before, now = document(), document()
    del now["services"]["store"]
    now["services"]["web"].pop("depends_on")
    found = {
        row[0]: row[1:] for row in preview.rows(swarm(), services(now), {"web": record()}, before, now, [])
    }
    assert found["store"][0] == "left"


def test_a_service_that_is_held_by_one_node_says_which() -> None:
    assert standing("store", "app1", placed=("node.id == id1",)).node == "id1"
    assert standing("web", "app1", placed=("node.labels.web == yes",)).node == ""


def test_what_runs_on_a_lost_node_is_not_counted() -> None:
    """Its task is replaced, and said to run all the same."""
    lost = commands.parse("\n".join((node(), *service("web", "1/1"))).replace("1/1", "2/1"), "shop")
    assert lost.services[0].running == 1
