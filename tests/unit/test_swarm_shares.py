"""A canary on a Swarm: what it is, which services get one, what ingresses and a manager are told of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, result
from kit import bash, path, program
from swarm_kit import DOCUMENT, record, swarm
from test_guard_watchdog import Post, Site, post, site
from test_swarm_guard import Node, session
from test_swarm_rolling import release

from schedgen_ops.commands import swarm_canary
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import HandedOver, OpsError, Unreachable
from schedgen_ops.events import Message
from schedgen_ops.guard.plan import Stage
from schedgen_ops.orchestrators.swarm import canary as shape
from schedgen_ops.orchestrators.swarm import stack
from schedgen_ops.orchestrators.swarm.canary import Canary
from schedgen_ops.release.record import Release, ReleaseId, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.swarm import canary, guests
from schedgen_ops.swarm.canary_watch import CanaryWatching
from schedgen_ops.swarm.guarded import guarded
from schedgen_ops.swarm.session import SwarmSession

__all__ = ["post", "site"]
RELEASE = ReleaseId("20250115_120002-aaaaaaa")
ROUTE = "web_3000"


def file_of(name: str = "web", **changes: Any) -> str:
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    document["services"][name].update(changes)
    return stack.part(document, name, record(), swarm()).text


def made(replicas: int = 2, shares: tuple[int, ...] = (10, 50)) -> Canary:
    settings = swarm(guard={"canary": [*shares]})
    of = replace(record(), replicas=replicas, proxies=(ROUTE,))
    found = shape.canary(file_of(), "web", of, settings, RELEASE)
    assert found
    return found


# What it is


def test_it_is_the_new_release_under_a_name_that_nobody_else_asks_for() -> None:
    found = made()
    (name, body), *_ = found.part.document["services"].items()
    own = json.loads(file_of())["services"]["web"]
    assert (name, found.name) == ("schedgen-canary-web", "schedgen-canary-web")
    assert body["networks"] == {"default": {"aliases": ["web.canary-20250115_120002"]}}
    assert found.found_as == "tasks.web.canary-20250115_120002"
    assert {key: body[key] for key in ("image", "environment", "healthcheck", "configs", "secrets")} == {
        key: own[key] for key in ("image", "environment", "healthcheck", "configs", "secrets")
    }
    assert body["deploy"]["labels"] == {"schedgen.project": "shop", "schedgen.canary": "web"}
    assert body["labels"]["com.docker.compose.service"] == "schedgen-canary-web"
    assert found.part.definition == body["labels"]["schedgen.definition"]
    assert found.part.definition != own["labels"]["schedgen.definition"]


@pytest.mark.parametrize(
    ("wanted", "shares", "count"),
    [(1, (10,), 1), (2, (10,), 1), (2, (10, 50), 1), (3, (50,), 2), (10, (25,), 3), (2, (99,), 2)],
)
def test_it_has_as_many_containers_as_its_greatest_share_needs(
    wanted: int, shares: tuple[int, ...], count: int
) -> None:
    assert made(wanted, shares).replicas == count


def test_what_runs_on_every_node_and_a_name_too_long_for_a_second_service_have_none() -> None:
    text = file_of(deploy={"mode": "global"})
    assert shape.canary(text, "web", record(), swarm(), RELEASE) is None
    assert shape.canary(file_of(), "web", record(), swarm(project="p" * 44), RELEASE) is None


def test_only_what_is_behind_the_ingress_before_and_after_and_changes_gets_a_share() -> None:
    behind = replace(record(), definition="aa11", proxies=(ROUTE,))
    known = {"web": behind, "same": behind, "fresh": behind, "worker": record("start-first")}
    new = replace(release("2"), services=known)
    old = replace(
        release("1"), services={name: replace(each, definition="0") for name, each in known.items()}
    )
    old = replace(old, services={**old.services, "same": behind, "fresh": replace(behind, proxies=())})
    assert shape.shared(new, old) == ("web",)
    assert shape.shared(new, None) == ()


def test_what_it_needs_and_earlier_tiers_come_before_it_and_what_needs_it_after_it() -> None:
    needs = {"db": (), "api": ("db",), "web": ("api",), "worker": ("web",), "other": (), "early": ()}
    records = {name: replace(record(), needs=need) for name, need in needs.items()}
    assert canary.first(swarm(), records, {"web"}) == ["db", "api"]
    tiers = [{"name": "a", "services": ["early", "worker"]}, {"name": "b", "services": ["web", "other"]}]
    assert canary.first(swarm(tiers=tiers), records, {"web"}) == ["db", "api", "early"]


# What is done


def nodes(count: int = 2, **answers: Callable[[Command], Result | str]) -> tuple[Node, ...]:
    found = tuple(Node(f"app{number + 1}") for number in range(count))
    for node in found:
        known: dict[Any, Any] = {_is(f"swarm/{name}"): answer for name, answer in answers.items()}
        node.answers = {**known, _is("", "cat --"): lambda _: file_of(), **node.answers}
    return found


def _is(script: str, begins: str = "") -> Callable[[Command], bool]:
    return lambda command: command.script == script and command.text.startswith(begins)


def at(*hosts: Node) -> SwarmSession:
    """A run whose release changes `web`, behind the ingress."""
    it = session(*hosts)
    it.settings = swarm(guard={"canary": [10, 50], "pause": 7})
    manager = it.at_work
    manager.context = replace(manager.context, settings=it.settings)
    web = replace(record(), definition="aa11", proxies=(ROUTE,), needs=("store",))
    store = replace(record("stop-first"), definition="bb22")
    manager.new = replace(manager.release, services={"web": web, "store": store})
    old = {"web": replace(web, definition="0"), "store": replace(store, definition="0")}
    manager.old = replace(release("1"), services=old)
    manager.touched.clear()
    return it


def scripts(host: FakeHost) -> list[str]:
    return [command.script for command in host.commands if command.script.startswith("swarm/")]


def test_the_steps_have_it_before_the_services_and_its_end_after_the_verification() -> None:
    titles = [step.title for step in guarded(at(*nodes())).steps]
    assert titles[titles.index("Canary") :] == [
        "Canary",
        "Watching the canary",
        "Rolling update",
        "Post-deployment verification",
        "Taking the canary away",
        "Extended monitoring with automatic rollback detection",
        "Cleaning up old images",
    ]


def test_what_it_needs_is_replaced_then_it_starts_and_every_ingress_has_to_see_it() -> None:
    hosts = nodes(roll=rolled)
    it = at(*hosts)
    canary.begin(it)
    assert scripts(hosts[0]) == ["swarm/roll", "swarm/roll", "swarm/canary_join"]
    assert scripts(hosts[1]) == ["swarm/canary_join"]
    said = [dict(command.values) for command in hosts[0].commands if command.script.startswith("swarm/")]
    assert (said[0]["services"], said[1]["services"]) == (("store",), ("schedgen-canary-web",))
    names = ("routes", "names", "counts")
    assert [said[2][name] for name in names] == [(ROUTE,), ("tasks.web.canary-20250115_120002",), ("1",)]
    assert (it.brought, it.at_work.touched) == ({"store"}, ["store"])


def rolled(command: Command) -> str:
    names: Any = dict(command.values)["services"]
    return "".join(f"service {name} well yes 1 of 1 run\n" for name in names)


def test_where_nothing_behind_the_ingress_changed_there_is_none() -> None:
    hosts = nodes()
    it = at(*hosts)
    it.at_work.old = it.at_work.new
    canary.begin(it)
    assert (it.canaries, scripts(hosts[0])) == ((), [])
    CanaryWatching(it, None, ("canary",), on=it).watch()
    canary.away(it)
    assert hosts[0].signals == []


def test_one_that_an_ingress_does_not_see_is_taken_back_before_anything_else() -> None:
    hosts = nodes(
        roll=rolled,
        canary_join=lambda _: result(code=1, stderr="the ingress sees no container of the canary"),
    )
    it = at(*hosts)
    with pytest.raises(OpsError, match="does not get well: the ingress sees no container"):
        canary.begin(it)
    canary.undoing(it)()
    assert scripts(hosts[0])[3:] == ["swarm/canary_leave", "swarm/canary_end", "swarm/roll"]
    assert it.canaries == ()


def test_a_node_that_cannot_be_told_is_named_and_takes_no_part() -> None:
    def gone(_: Command) -> str:
        raise Unreachable("gone", host="app2")

    hosts = nodes(roll=rolled)
    hosts[1].answers = {_is("swarm/canary_join"): gone, **hosts[1].answers}
    it = at(*hosts)
    said: list[Any] = []
    it.at_work.context = replace(it.at_work.context, emit=said.append)
    canary.begin(it)
    text = "\n".join(event.text for event in said if isinstance(event, Message))
    assert "app2 cannot be told of the canary, its visitors stay with the old release" in text
    assert "The canary of web is well: 1 container, seen by app1" in text


def test_what_a_killed_run_left_of_one_is_removed_before_anything_else() -> None:
    hosts = nodes(canaries=lambda _: "schedgen-canary-web\n")
    it = at(*hosts)
    it.at_work.seen = replace(it.at_work.seen, shelf=serving())
    guests.sweep(it.at_work, it.nodes, it.node)
    assert scripts(hosts[0])[-3:] == ["swarm/canaries", "swarm/canary_leave", "swarm/canary_end"]
    assert scripts(hosts[1])[-1] == "swarm/canary_leave"
    assert it.at_work.righted == "the canary of web is removed"


def test_what_an_ingress_still_knows_is_forgotten_after_a_run_that_did_not_end_well() -> None:
    hosts = nodes()
    it = at(*hosts)
    it.at_work.seen = replace(it.at_work.seen, shelf=serving())
    guests.sweep(it.at_work, it.nodes, it.node)
    assert scripts(hosts[1]) == []
    failed = release("2", "web", state=State.FAILED, previous=serving().current)
    it.at_work.seen = replace(it.at_work.seen, shelf=serving(failed))
    guests.sweep(it.at_work, it.nodes, it.node)
    assert scripts(hosts[1]) == ["swarm/canary_leave"]


def serving(*more: Release) -> Shelf:
    web = replace(record(), definition="0", proxies=(ROUTE,))
    old = replace(release("1"), services={"web": web})
    return Shelf(old.id, (old, *more))


# What watches it


def watching(*hosts: Node) -> CanaryWatching:
    it = at(*hosts)
    it.canaries = (made(),)
    return CanaryWatching(it, None, ("canary",), on=it)


SAMPLE = "stage 10 7\nsample 7.0 0 10 0 90 0 - - - - - - - 0 1 -\n"
GOOD, BAD = f"ready\n{SAMPLE}good\n", f"ready\n{SAMPLE}bad 1 requests Error rate (50.00%) exceeded\n"
LEFT, TOLD = "end left 0 good\n", "end told 0 Error rate (50.00%) exceeded\n"


def manager(log: str = GOOD) -> Node:
    back = "bad 2 signal {0}\nanswering 0.50\nend back 2.50 {0}\n"
    return Node("app1", log, lambda text: LEFT if text == "leave" else back.format(text[5:]))


def test_each_node_gives_its_share_and_the_manager_alone_takes_the_canary_away() -> None:
    hosts = manager(), Node("app2", GOOD + LEFT)
    it = watching(*hosts)
    first, second = (it._config(it.on.on_node(host)) for host in hosts)
    assert first.stages == second.stages == (Stage(10, 7), Stage(50, 7))
    assert first.services == second.services == ("schedgen-canary-web",)
    assert first.definitions == second.definitions == (made().part.definition,)
    assert first.proxies == second.proxies == (ROUTE,)
    assert (first.guests, second.guests, first.node, second.node) == (True, True, False, True)
    remove, leave, *rest = first.back
    assert "services=(schedgen-canary-web)" in remove.replace("'", "")
    assert ROUTE in leave
    assert rest[0] == "-"
    assert (second.back, second.keep, first.keep) == ((), (), ())
    it.on.at_work.touched.append("store")
    assert any("auth=no" in text for text in it._config(it.on.at_work).back)


def test_one_that_does_well_on_all_nodes_is_followed_by_the_rest() -> None:
    hosts = manager(), Node("app2", GOOD + LEFT)
    it = watching(*hosts)
    it.watch()
    assert (hosts[0].signals, it.on.serves) == (["leave"], False)
    starts = [dict(c.values) for host in hosts for c in host.commands if c.script == "watch/start"]
    assert [(each["alone"], each["canary"]) for each in starts] == [("canary", "yes"), ("node", "yes")]


def test_what_one_node_sees_ends_its_share_on_all_nodes_at_once() -> None:
    hosts = manager(), Node("app2", BAD + TOLD)
    it = watching(*hosts)
    with pytest.raises(OpsError, match=r"Error rate \(50.00%\) exceeded"):
        it.watch()
    assert hosts[0].signals == ["back app2: Error rate (50.00%) exceeded"]
    for host in hosts:
        told, *_ = (dict(c.values) for c in host.commands if c.script == "swarm/canary_leave")
        assert (told["routes"], told["drain"]) == ((ROUTE,), "")
    names = [command.script for command in hosts[0].commands]
    assert names.index("swarm/canary_leave") < names.index("watch/signal")


def test_without_the_manager_it_is_taken_away_there() -> None:
    first, second = Node("app1", f"ready\n{SAMPLE}"), Node("app2", GOOD + LEFT)
    first.lost = True
    with pytest.raises((HandedOver, Unreachable)):
        watching(first, second).watch()


# The watchdog itself, run by bash


def test_a_manager_that_nobody_follows_any_more_takes_it_away_though_it_is_good(post: Post) -> None:
    post.start(guests=True, canary=True, definitions=(), stages=(Stage(10, 2),), alone=False, metrics="")
    watch = post.follow()
    reason = "the run ended before the canary was followed by the rest"
    assert (watch.outcome, watch.good, watch.reason) == ("back", True, reason)
    assert (post.state / "back").exists()
    assert post.record["error"] == reason


def test_an_ingress_that_gives_no_share_is_told_of_once_a_share(post: Post) -> None:
    stages = (Stage(10, 2), Stage(50, 2))
    config = {"guests": True, "canary": True, "definitions": (), "alone": False, "metrics": ""}
    post.start(**config, stages=stages, proxies=("web_3000",))
    post.follow()
    for share in (10, 50):
        assert post.said.count(f"The ingress did not take the share of {share}%") == 1
    assert "of the requests go to the new release" not in post.said


def test_a_node_ends_its_share_and_leaves_the_rest_to_the_manager(post: Post, site: Site) -> None:
    site.per_look = (10, 5)
    post.start(guests=True, node=True, definitions=(), stages=(Stage(10, 60),), alone=False)
    watch = post.follow()
    assert (watch.outcome, watch.verdict[:10]) == ("told", "Error rate")
    assert not (post.state / "back").exists()


# What ends it

_DOCKER = r"""
cd -- "$FAKE" || exit 9
case "$*" in
  'service ls '*) [ ! -e away ] && echo shop_schedgen-canary-web || { echo 'no answer' >&2; exit 1; } ;;
  'node ls '*) printf 'app1 Ready\napp2 Down\n' ;;
  'service ps '*)
    echo look >> log
    [ "$(grep -c look log)" -gt 2 ] || printf '%s.1 Running 3 minutes ago\tapp1\n' "${!#}"
    printf '%s Shutdown 1 second ago\tapp1\n' "${!#}.2"
    printf '%s Running 3 minutes ago\tapp2\n' "${!#}.3"
    ;;
  *) echo "$*" >> log ;;
esac
"""


def ended(folder: Path, *names: str) -> tuple[bool, list[str]]:
    program(folder / "bin", "docker", f"FAKE={folder}\n{_DOCKER}")
    command = swarm_canary.end(Docker(), "shop", names)
    answer = bash(command, folder, PATH=path(folder / "bin"))
    log = folder / "log"
    return answer.ok, log.read_text().splitlines() if log.exists() else []


def test_it_is_removed_once_none_of_its_containers_runs_but_on_a_lost_node(tmp_path: Path) -> None:
    ok, said = ended(tmp_path, "schedgen-canary-web", "schedgen-canary-gone")
    scaled, removed = (
        "service scale --detach shop_schedgen-canary-web=0",
        "service rm shop_schedgen-canary-web",
    )
    assert (ok, said) == (True, [scaled, "look", "look", "look", removed])


def test_what_does_not_have_our_mark_is_not_removed_nor_is_any_where_nobody_answers(tmp_path: Path) -> None:
    assert ended(tmp_path, "web") == (True, [])
    (tmp_path / "away").touch()
    assert ended(tmp_path, "schedgen-canary-web") == (False, [])
