"""A load balancer told by the ingress that a host is out: scripts on an engine, whose ports are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from engine_stub import Engine
from http_kit import Holding, Quiet, serving
from kit import settings

from schedgen_ops.balancer import remote_commands as balancer
from schedgen_ops.remote import Result

FILE = "/etc/schedgen-ingress/out.map"


class Ingress(Holding):
    """A port that answers at the path as the map in a folder says, once it is not `deaf`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Asked)
        self.folder, self.deaf, self.well = folder, False, True
        self.strangers: list[str] = []


class Asked(Quiet):
    def do_GET(self) -> None:
        at: Any = self.server
        at.strangers.append(f"{self.path} {self.headers['User-Agent']}")
        file = at.folder / "out.map"
        out = file.exists() and bool(file.read_text()) and not at.deaf
        self.send_response(503 if out or not at.well else 200)
        self.end_headers()


class Site:
    """An engine with an ingress, and its state folder."""

    def __init__(self, root: Path) -> None:
        self.engine = Engine(root)
        self.engine.has("schedgen-ingress")
        names = settings("app1", "app2", directory=str(root / "site"), project="schedgen")
        self.config = names
        self.folder = root / "site/.schedgen/ingress"
        self.folder.mkdir(parents=True)
        self.port = Ingress(self.folder)
        self.engine.say(published=f"3001/tcp -> 0.0.0.0:{self.port.server_port}")

    def turn(self, way: Literal["out", "back"], *ports: str) -> Result:
        return self.engine.run(balancer.turn(self.config, way, "/healthz", ports or ("3001",)))

    @property
    def map(self) -> str:
        return (self.folder / "out.map").read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with serving(made.port):
        yield made


def test_a_port_is_seen_to_answer_503_and_then_as_ever(site: Site) -> None:
    assert site.turn("out").ok
    assert site.map == "out yes\n"
    assert site.engine.log[-1] == f"ask clear map {FILE};add map {FILE} out yes"
    assert site.port.strangers[-1] == "/healthz load-balancer"
    assert site.turn("out").ok
    assert site.turn("back").ok
    assert site.map == ""
    assert site.engine.log[-1] == f"ask clear map {FILE}"
    assert site.turn("back").ok


def test_a_port_that_answers_otherwise_is_no_success(site: Site) -> None:
    site.port.deaf = True
    answer = site.turn("out")
    assert (answer.code, answer.stderr.strip()) == (
        1,
        f"port {site.port.server_port} answers 200 at /healthz",
    )
    site.port.well = False
    answer = site.turn("back")
    assert (answer.code, answer.stderr.strip()) == (
        1,
        f"port {site.port.server_port} answers 503 at /healthz",
    )


def test_what_was_configured_before_there_was_this_takes_nobody_out(site: Site) -> None:
    site.engine.say(unmapped="")
    assert site.turn("out").code == balancer.TOO_OLD
    assert not (site.folder / "out.map").exists()


def test_a_port_that_is_not_published_is_none(site: Site) -> None:
    site.engine.say(published="")
    assert site.turn("out").code == balancer.TOO_OLD


def test_where_no_ingress_runs_what_starts_next_has_nobody_taken_out(site: Site) -> None:
    assert site.turn("out").ok
    for file in (site.engine.root / "containers").iterdir():
        file.write_text("schedgen-ingress exited none r1\n")
    assert site.turn("out").code == balancer.NO_INGRESS
    assert site.map == "out yes\n"
    assert site.turn("back").code == balancer.NO_INGRESS
    assert site.map == ""


@pytest.mark.parametrize(
    ("busy", "said"),
    [("0", ""), ("2", "requests were still open after 1 s")],
)
def test_what_is_open_at_the_ingress_is_waited_for(site: Site, busy: str, said: str) -> None:
    site.engine.has("web")
    site.engine.say(proxies="web_80", busy=busy)
    config = settings("app1", "app2", rollout={"drain": 1}, project="schedgen")
    answer = site.engine.run(balancer.drained(config, 0))
    assert answer.ok
    assert balancer.left_open(answer.stdout, 1) == said
