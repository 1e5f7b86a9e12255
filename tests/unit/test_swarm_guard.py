"""The guard on a Swarm: what each node's watchdog is told, what comes of their words, and what is refused."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock, FakeHost, context, result
from kit import program
from swarm_kit import record, swarm
from test_guard_scripts import OWNER, REPLY, TRAFFIC, awk
from test_guard_watchdog import Post, Site, post, site
from test_swarm_rolling import COMMIT, release

from schedgen_ops import workers
from schedgen_ops.commands.git import NO_WORK_TREE
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import ConfigError, HandedOver, OpsError, Unreachable
from schedgen_ops.events import Event, Message
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.plan import AgentConfig, Stage
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release.record import Release, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.swarm.guarded import guarded
from schedgen_ops.swarm.guarding import NodesWatching, agent_config, missing
from schedgen_ops.swarm.session import SwarmSession
from schedgen_ops.watch.policy import GuardPolicy

__all__ = ["post", "site"]
CHECK = {"name": "web", "url": "http://localhost:3000/"}
SAMPLE = "stage 100 10\nsample 10.0 0 100 0 - - - - - - - - - 0 1 -\n"
GOOD, BAD = f"ready\n{SAMPLE}good\n", f"ready\n{SAMPLE}bad 1 requests Error rate (50.00%) exceeded\n"
KEPT, LEFT, TOLD = "end kept 0 kept\n", "end left 0 good\n", "end told 0 Error rate (50.00%) exceeded\n"
BACK = "bad 2 signal {}\nanswering 0.50\nend back 2.50 {}\n"


def at_work(host: FakeHost, settings: Settings, old: Release | None = None) -> HostRun:
    """The manager once the release's services are replaced."""
    shelf = Shelf(old.id, (old,)) if old else Shelf(release("2").id, ())
    tree = replace(NO_WORK_TREE, commit=COMMIT)
    seen = Observed(tree, (), shelf, classic=False, engine="", compose="", no_detour="", free_bytes=1)
    new = release("2", "web", "migrate", "more", state=State.STARTED, reached=True)
    web = replace(record(), definition="aa11", proxies=("web_3000",))
    made = replace(new, services={**new.services, "web": web})
    touched = ["schedgen-ingress", "migrate", "web", "more"]
    return HostRun(context(host, settings), seen, old=old, new=made, touched=touched)


def told(settings: Settings, old: Release | None, name: str = "app1") -> AgentConfig:
    manager = at_work(FakeHost("app1"), settings, old)
    host = manager if name == "app1" else at_work(FakeHost(name), settings, old)
    return agent_config(host, manager, alone=False)


def test_the_manager_goes_back_to_the_files_of_the_release_before_and_other_nodes_only_look() -> None:
    settings = swarm(checks=[CHECK], guard={"prometheus": {"url": "http://p:9090", "query": "x"}})
    first, second = (told(settings, release("1", "web"), name) for name in ("app1", "app2"))
    assert first.services == second.services == ("web", "more")
    assert first.definitions == second.definitions == ("aa11", "2more")
    assert first.proxies == second.proxies == ("web_3000",)
    assert first.targets == second.targets == ("5 - 2,3 http://localhost:3000/",)
    home, then, roll, last, remove = first.back
    assert COMMIT in home
    assert (then, last) == ("-", "-")
    assert "120001" in roll
    assert "services=('web')" in roll or "services=(web)" in roll
    assert "auth=no" in roll
    assert "more" in remove
    assert (second.back, second.keep, second.records, second.node) == ((), (), (), True)
    assert (bool(first.prometheus), bool(second.prometheus)) == (True, False)
    assert first.stages == (Stage(100, settings.watch.duration),)


def test_where_nothing_ran_before_all_of_the_stack_goes() -> None:
    *_, remove = told(swarm(), None).back
    assert "services=()" in remove


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"guard": {"metrics": "web"}, "checks": [CHECK]}, "guard.metrics"),
        ({"guard": {"insufficient_traffic": "wait"}}, "guard.insufficient_traffic: wait"),
    ],
)
def test_what_the_guard_cannot_do_on_a_swarm_is_named(changes: dict[str, Any], what: str) -> None:
    (found,) = missing(swarm(**changes))
    assert what in found
    assert list(missing(swarm(checks=[CHECK]))) == []


def test_what_it_cannot_do_is_refused_before_any_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedgen_ops.cli import guard
    from schedgen_ops.task_run import MANAGER, Options, opened

    (tmp_path / "config").mkdir()
    known = {"project": "shop", "directory": "/srv/shop", "hosts": [{"name": "a", "address": "a"}]}
    more = {
        "orchestrator": "swarm",
        "swarm": {"registry": "registry:5000"},
        "guard": {"insufficient_traffic": "wait"},
    }
    (tmp_path / "config" / "shop.yaml").write_text(json.dumps({**known, **more}))
    monkeypatch.chdir(tmp_path)
    with (
        opened(Options(env="shop"), MANAGER) as op,
        pytest.raises(ConfigError, match="insufficient_traffic") as found,
    ):
        guard.guarded(op, Ref("v1"), 0, "", 0)
    assert (found.value.exit_code, "does not work on a Swarm" in found.value.message) == (2, True)


def test_the_steps_are_those_of_a_guarded_deploy() -> None:
    titles = [step.title for step in guarded(session(Node("app1"), Node("app2"))).steps]
    assert titles[-3:] == [
        "Post-deployment verification",
        "Extended monitoring with automatic rollback detection",
        "Cleaning up old images",
    ]


def test_the_manager_names_a_release_by_itself_with_its_record(tmp_path: Path) -> None:
    config = told(swarm(directory=str(tmp_path)), None)
    folder = tmp_path / ".schedgen" / "releases" / config.release_id
    folder.mkdir(parents=True)
    (folder / ".release.json").write_text("kept\n")
    (text,) = config.keep
    subprocess.run(["bash", "-o", "pipefail", "-c", text], check=True, timeout=60)
    assert (tmp_path / ".schedgen/current").read_text() == f"{config.release_id}\n"
    assert (folder / "release.json").read_text() == "kept\n"


# What comes of the watchdogs' words


class Node(FakeHost):
    """A node with a watchdog that says `log`, and once it has a signal what `then` has for its first word."""

    def __init__(self, name: str, log: str = GOOD, then: Callable[[str], str] = lambda _: "") -> None:
        super().__init__(name, {(lambda _: True): ""})
        self.log, self.then, self.signals = log, then, list[str]()
        self.lost = False
        self._heard = threading.Event()

    def run(self, command: Command, *, deadline: float, **how: Any) -> Result:
        values: dict[str, Any] = dict(command.values)
        if command.script == "watch/signal" and self.lost:
            raise Unreachable("gone", host=self.name)
        if command.script == "watch/signal" and any(each.script == "watch/start" for each in self.commands):
            self.signals.append(values["signal"])
            self._heard.set()
        return super().run(command, deadline=deadline, **how)

    def stream(self, command: Command, on_line: Callable[[str], None], **_: Any) -> Result:
        self.commands.append(command)
        for line in self.log.splitlines():
            on_line(line)
        if self.lost:
            raise Unreachable("gone", host=self.name)
        if self.then("keep") or self.then("back"):
            assert self._heard.wait(20), f"{self.name} was told nothing"
            for line in self.then(self.signals[-1]).splitlines():
                on_line(line)
        return result()


def manager(log: str = GOOD) -> Node:
    """A manager that keeps or goes back as it is told."""
    return Node("app1", log, lambda text: KEPT if text == "keep" else BACK.format(text[5:], text[5:]))


def session(*nodes: Node) -> SwarmSession:
    settings, old = swarm(), release("1", "web")
    told = ("20250115_130000", FakeClock(), seen.append, OWNER)
    made = SwarmSession(settings, Fleet(nodes[:1]), Ref("v2"), *told, nodes=Fleet(nodes))
    made.host_runs = (at_work(nodes[0], settings, old),)
    return made


seen: list[Event] = []


def watching(*nodes: Node) -> NodesWatching:
    seen.clear()
    on = session(*nodes)
    return NodesWatching(on, on=on)


def said() -> str:
    return "\n".join(event.text for event in seen if isinstance(event, Message))


def test_what_all_nodes_find_good_is_kept_by_the_manager() -> None:
    first, second = manager(), Node("app2", GOOD + LEFT)
    it = watching(first, second)
    it.watch()
    assert first.signals == ["keep"]
    assert it.on.serves
    assert it.on.at_work.release.state is State.DONE
    (start,) = (command for command in second.commands if command.script == "watch/start")
    assert dict(start.values)["alone"] == "node"
    assert dict(start.values)["state"] == ".local/state/schedgen/shop/.schedgen"


def test_what_one_node_sees_the_manager_takes_back() -> None:
    first, second = manager(), Node("app2", BAD + TOLD)
    it = watching(first, second)
    with pytest.raises(OpsError, match=r"Error rate \(50.00%\) exceeded"):
        it.watch()
    assert first.signals == ["back app2: Error rate (50.00%) exceeded"]
    assert not it.on.serves


def test_a_watchdog_that_ends_without_a_word_is_no_consent() -> None:
    first, second = manager(), Node("app2", f"ready\n{SAMPLE}")
    with pytest.raises(OpsError, match="ended without a verdict"):
        watching(first, second).watch()
    assert first.signals[0].startswith("back app2: ")


def test_a_node_that_is_lost_meanwhile_is_told_of_and_the_others_decide() -> None:
    first, second = manager(), Node("app2", f"ready\n{SAMPLE}")
    second.lost = True
    it = watching(first, second)
    it.watch()
    assert (first.signals, it.on.serves) == (["keep"], True)
    assert "the node is lost, and not watched any more" in said()


def test_a_node_is_not_called_lost_where_an_interrupt_ended_the_watch() -> None:
    it = watching(manager(), Node("app2"))
    caught: list[OpsError] = []

    def lost() -> None:
        node = it.on.on_node(it.on.nodes["app2"])
        try:
            it._lost(node, Unreachable("cut"))
        except Unreachable as error:
            caught.append(error)

    for interrupted in (True, False):
        thread = workers.Worker(lost)
        if interrupted:
            workers.leave([thread])
        thread.start()
        thread.join()
        assert (len(caught), "the node is lost" in said()) == (1, not interrupted)


def test_what_the_manager_sees_counts_where_a_node_is_lost_at_the_same_time() -> None:
    first, second = (
        Node("app1", BAD + "end back 2.50 Error rate (50.00%) exceeded\n"),
        Node("app2", "ready\n"),
    )
    second.lost = True
    with pytest.raises(OpsError, match=r"Error rate \(50.00%\) exceeded") as found:
        watching(first, second).watch()
    assert not isinstance(found.value, HandedOver)


def test_without_the_manager_nobody_here_decides() -> None:
    first, second = Node("app1", f"ready\n{SAMPLE}"), Node("app2", GOOD + LEFT)
    first.lost = True
    with pytest.raises((HandedOver, Unreachable)):
        watching(first, second).watch()


def test_who_stands_down_ends_every_watchdog() -> None:
    first, second = manager(), Node("app2")
    it = watching(first, second)
    it.on.at_work.old = None
    for node in (first, second):
        node.commands.append(Command("start", script="watch/start"))
    it.stand_down()
    assert [node.signals for node in (first, second)] == [["back the operator's run was ended"]] * 2
    assert all(any(each.script == "watch/await_end" for each in node.commands) for node in (first, second))


# The watchdog itself, run by bash


def test_a_node_tells_what_it_sees_and_does_nothing(post: Post, site: Site) -> None:
    site.per_look = (10, 5)
    post.start(node=True, definitions=(), stages=(Stage(100, 60),), alone=False)
    watch = post.follow()
    assert (watch.outcome, watch.verdict) == ("told", "Error rate (33.33%) exceeded threshold (10.00%)")
    assert not (post.state / "back").exists()
    assert list((post.state / "releases/r2").iterdir()) == []


def test_a_node_that_sees_nothing_bad_ends_without_being_told(post: Post) -> None:
    post.start(node=True, definitions=(), stages=(Stage(100, 1),), alone=False)
    watch = post.follow()
    assert (watch.outcome, watch.good, watch.verdict) == ("left", True, "")
    assert not (post.state / "current").exists()


# Two containers, of which the Swarm has ended one before; `ended` ends the other one.
_DOCKER = r"""
cd -- "$FAKE" || exit 9
case "$*" in
  'ps '*'label=schedgen.definition=aa11'*'status=running'*) [ -e ended ] || echo 'c1 shop_web.1' ;;
  'inspect '*ID*Image*|'inspect '*Type*) echo 'web json-file' ;;
  'inspect '*)
    state=running
    [ ! -e ended ] || state=exited
    printf 'c1\tshop_web.1\tweb\t-\t%s\t-\t0\tfalse\t-\t-\t1\t,\n' "$state"
    ;;
  *) exit 1 ;;
esac
"""


def test_a_container_that_ends_while_it_is_watched_goes_back_whatever_the_swarm_starts(
    post: Post, site: Site
) -> None:
    folder = post.state.parent
    program(folder / "bin", "docker", f"FAKE={shlex.quote(str(folder))}\n{_DOCKER}")
    changes: dict[str, Any] = {"services": ("web",), "definitions": ("aa11",), "metrics": ""}
    post.start(**changes, stages=(Stage(100, 60),), policy=GuardPolicy())
    threading.Timer(1.5, lambda: (folder / "ended").write_text("")).start()
    watch = post.follow()
    assert (watch.outcome, watch.verdict) == ("back", "Containers ended 1 times (limit 0)"), post.said


def test_on_a_swarm_all_that_the_ingress_leads_to_counts_wherever_it_runs() -> None:
    found = awk(TRAFFIC, REPLY, proxies=" backend_3001 ", fresh=" * ", old="  ")
    assert [line.split()[:3] for line in found if line.startswith("h ")] == [
        ["h", "n", f"backend_3001/{server}"]
        for server in ("s1@10.0.0.5:3001", "s2@10.0.0.4:3001", "s4@10.0.0.9:3001")
    ]
