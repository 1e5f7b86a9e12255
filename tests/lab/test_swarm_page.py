"""Visitors of a Swarm turned away at every node, through a deploy and other ingresses, and let in again."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from box import Box
from deploy_kit import wait_for
from stack_kit import Stack
from swarm_stack import DOOR, on_swarm, serves

from schedgen_ops.lab.place import Place

PAGE = "<p>back at noon"
CLOSED = f"503 after 60: {PAGE}"
AWAY = "visitors of all services are turned away"
_INGRESS = "$(docker ps -q --filter label=com.docker.compose.service=schedgen-ingress)"

_NO_SSH = "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "page.html").write_text(PAGE)
    page = {"page": str(tmp_path / "page.html"), "image": "lab/haproxy:2.6"}
    with on_swarm(lab, swarm, tmp_path, shape="canary", ingress=page) as made:
        made.deploy("v1")
        yield made


def test_visitors_of_all_nodes_get_the_page_until_they_are_let_in(on: Stack, swarm: tuple[Box, ...]) -> None:
    _assert_all_or_none(on, swarm)
    switched = on.op("ops.maintenance", "on", "--yes")
    assert switched.code == 0, switched.output
    assert all(f"{box.name}: Port {DOOR} answers visitors with the page" in switched.stdout for box in swarm)
    with visitors(swarm) as got:
        said = on.deploy("v2")
    assert f"{AWAY} (root): during the deploy too, and after it" in said
    assert {*got} == {CLOSED}
    assert f"Maintenance: {AWAY} (root), since 2" in on.op("status").output
    _assert_kept_by_other_ingresses(on, swarm)
    _assert_let_in_once_all_are_told(on, swarm)
    serves(swarm, "2")
    assert "Maintenance" not in on.op("status").output


def visit(box: Box) -> str:
    """What a visitor of a node gets."""
    try:
        with urllib.request.urlopen(f"http://{box.address}:{DOOR}/", timeout=20) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return f"{error.code} after {error.headers['Retry-After']}: {error.read().decode()}"
    except OSError as error:
        return type(error).__name__


@contextmanager
def visitors(swarm: tuple[Box, ...]) -> Iterator[Counter[str]]:
    """Visitors of all nodes for as long as the block lasts, and what they got."""
    over, got = threading.Event(), Counter[str]()

    def come(box: Box) -> None:
        while not over.wait(0.05):
            got[visit(box)] += 1

    threads = [threading.Thread(target=come, args=(box,)) for box in swarm]
    for thread in threads:
        thread.start()
    try:
        yield got
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _assert_all_or_none(on: Stack, swarm: tuple[Box, ...]) -> None:
    """One node's ingress does not answer: the other nodes let visitors in again."""
    last = swarm[2]
    last.sh(f"docker pause {_INGRESS}")
    ran = on.op("ops.maintenance", "on", "--yes")
    last.sh(f"docker unpause {_INGRESS}")
    assert (ran.code, f"visitors of {last.name} may still be turned away" in ran.stderr) == (5, True), (
        ran.output
    )
    assert [visit(box) for box in swarm] == ["1", "1", "1"]


def _assert_kept_by_other_ingresses(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Each starts anew, and lets in at most who comes before it was told."""
    with visitors(swarm) as got:
        ran = on.op("ops.restart", "schedgen-ingress", "--yes")
    assert (ran.code, f"As before {AWAY}" in ran.stdout) == (0, True), ran.output
    assert [visit(box) for box in swarm] == [CLOSED] * 3
    assert got["2"] < got.total() / 5, got


def _assert_let_in_once_all_are_told(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Nobody is said to be let in at a node that does not answer."""
    last = swarm[2]
    last.sh(f"iptables -I {_NO_SSH}", user="root")
    ran = on.op("ops.maintenance", "off")
    last.sh(f"iptables -D {_NO_SSH}", user="root")
    assert (ran.code, f"visitors of {last.name} may still be turned away" in ran.stderr) == (8, True), (
        ran.output
    )
    assert [visit(box) for box in swarm] == ["2", "2", CLOSED]
    assert f"Maintenance: {AWAY}" in on.op("status").output
    wait_for(lambda: on.op("ops.maintenance", "off").code == 0, "all nodes to be told", 60)
