"""Visitors turned away at a real ingress: what they get, what outlives it, and that nobody else notices."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import blows
import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

OURS = "schedgen_ops"
AWAY = "visitors of all services are turned away"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(**blows.BARE)


def visit(host: Box, path: str = "/", port: int = 3000, agent: str = "visitor") -> tuple[str, str]:
    """What a visitor gets: the status, with Retry-After where there is one, and the text."""
    wanted = urllib.request.Request(f"http://{host.address}:{port}{path}", headers={"User-Agent": agent})
    try:
        with urllib.request.urlopen(wanted, timeout=60) as answer:
            return str(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        return f"{error.code} after {error.headers['Retry-After']}", error.read().decode()


@contextmanager
def visitors(host: Box) -> Iterator[Counter[str]]:
    """Visitors of both ports for as long as the block lasts, and what they got."""
    over, got = threading.Event(), Counter[str]()

    def come(path: str, port: int) -> None:
        while not over.wait(0.05):
            try:
                got[visit(host, path, port)[0]] += 1
            except OSError as error:
                got[repr(error)] += 1

    ways = [("/", 3000), ("/health", 3001)] * 3
    threads = [threading.Thread(target=come, args=way) for way in ways]
    for thread in threads:
        thread.start()
    try:
        yield got
    finally:
        over.set()
        for thread in threads:
            thread.join()


def switch(op: Operator, *words: str) -> str:
    """What turning visitors away, or letting them in, said; fails the test where it failed."""
    ran = op("ops.maintenance", *words, "--yes")
    assert ran.code == 0, ran.output
    return ran.output


def named(op: Operator) -> str:
    """What doctor says of maintenance."""
    rows = op.document("doctor", "--issue", "4")["result"]
    return "".join(f"{row['text']} {row['fix']}" for row in rows if row["cause"] == "maintenance")


def lets_in(host: Box) -> bool:
    """Whether the ingress answers our own requests, which are never turned away."""
    try:
        return visit(host, agent=OURS)[0] == "200"
    except OSError:
        return False


def test_visitors_get_the_page_or_wait_through_a_deploy_and_a_restart_until_they_are_let_in(
    op: Operator, host: Box, tmp_path: Path
) -> None:
    op.deploy("v1.2.3")
    assert "Port 3000 lets visitors in" in switch(op, "off")
    with visitors(host) as got:
        assert "Port 3001 holds visitors" in switch(op, "on", "--hold", "60")
        switch(op, "off")
    assert set(got) == {"200"}

    switch(op, "on")
    with visitors(host) as got:
        said = op.deploy("v1.2.4").output
    assert f"{AWAY} (root): during the deploy too, and after it" in said
    assert "Zero downtime" in said
    assert set(got) == {"503 after 60"}
    assert json.loads(visit(host, "/health", 3001, OURS)[1])["version"] == "1.2.4"

    host.sh("docker restart schedgen-schedgen-ingress-1")
    kit.wait_for(lambda: lets_in(host), "the ingress to answer")
    assert visit(host)[0] == "503 after 60"
    assert f"Maintenance: {AWAY} (root)" in op("status").output
    assert named(op) == f"{AWAY} (root) inv ops.maintenance off"
    switch(op, "off")
    assert (visit(host)[0], named(op)) == ("200", "")


def test_another_page_and_a_connection_that_drops_leave_what_the_host_says_it_is(
    op: Operator, host: Box, tmp_path: Path
) -> None:
    early = op("ops.maintenance", "on", "--yes")
    assert early.code == 3, early.output
    op.deploy("v1.2.3")
    (tmp_path / "page.html").write_text("<p>back at noon")
    op.configure(**blows.BARE, ingress={"page": str(tmp_path / "page.html")})
    assert "Port 3000 answers visitors with the page" in switch(op, "on", "--health")
    assert visit(host) == ("503 after 60", "<p>back at noon")
    assert visit(host, "/health", 3001)[0] == "200"
    with visitors(host) as got:
        switch(op, "on", "--services", "frontend")
        assert (visit(host)[0], visit(host, "/metrics", 3001)[0]) == ("503 after 60", "200")
    assert set(got) == {"503 after 60", "200"}
    switch(op, "off")

    with blows.gate(host):
        blows.shut(host, "exec --interactive")
        run = op.start("ops.maintenance", "on", "--yes")
        blows.struck(host, run, blows.cut)
        ran = run.wait()
        kit.wait_for(lambda: visit(host)[0] == "503 after 60", "the host to end what it began")
    assert (ran.code, "the connection was lost while it ran" in ran.stderr) == (8, True), ran.output
    assert f"Maintenance: {AWAY} (root)" in op("status").output
    switch(op, "off")
    assert visit(host)[0] == "200"
