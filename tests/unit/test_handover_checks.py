"""Before ports change hands each check gets through an ingress that is tried out, just as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from engine_stub import PROXY, Engine
from handover_kit import WEB, adopt, services
from http_kit import Quiet, serving
from kit import settings

from schedgen_ops.orchestrators import chosen
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout.operations import SetIngress
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import Version


class Site(ThreadingHTTPServer):
    """What has the ports, or an ingress: it answers what a test says, and knows what it was asked."""

    statuses: dict[str, int]
    asked: list[tuple[str, str]]


class _Handler(Quiet):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        site.asked.append((self.path, self.headers["Host"]))
        self.send_response(site.statuses.get(self.path, 200))
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    with serving(Site(("127.0.0.1", 0), _Handler)) as has, serving(Site(("127.0.0.1", 0), _Handler)) as tried:
        for site in (has, tried):
            site.statuses, site.asked = {}, []
        yield has, tried


@pytest.fixture
def engine(tmp_path: Path, sites: tuple[Site, Site]) -> Engine:
    made = Engine(tmp_path)
    made.has("web")
    has, tried = sites
    made.say(published_port=str(has.server_port), free_port=str(tried.server_port))
    return made


def test_it_is_asked_as_a_visitor_asks(engine: Engine, sites: tuple[Site, Site]) -> None:
    has, tried = sites
    has.statuses["/private"] = tried.statuses["/private"] = 401
    checks = (
        f"5 401 http://localhost:{has.server_port}/private?x=1",
        f"5 2,3 http://127.0.0.1:{has.server_port}/a#host=shop.example",
        "5 2,3 http://localhost:9/of-another-port",
    )
    has.statuses["/private?x=1"] = tried.statuses["/private?x=1"] = 401
    answer = adopt(engine, checks=checks)
    assert answer.ok, answer
    assert tried.asked == [("/private?x=1", f"localhost:{has.server_port}"), ("/a", "shop.example")]
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


def test_one_that_does_not_get_through_leaves_the_ports_where_they_are(
    engine: Engine, sites: tuple[Site, Site]
) -> None:
    has, tried = sites
    before = engine.containers
    tried.statuses["/big"] = 502
    url = f"http://localhost:{has.server_port}"
    answer = adopt(engine, checks=(f"5 2,3 {url}/", f"5 2,3 {url}/big"))
    assert answer.code == 1
    said = f"{url}/big passes its check, and does not through it: answered 502"
    assert answer.stderr.splitlines()[-1] == said
    assert engine.containers == before
    assert "stop 1" not in engine.log


def test_one_that_does_not_pass_anyhow_decides_nothing(engine: Engine, sites: tuple[Site, Site]) -> None:
    has, tried = sites
    has.statuses["/new"] = tried.statuses["/new"] = 404
    assert adopt(engine, checks=(f"5 2,3 http://localhost:{has.server_port}/new",)).ok
    assert not tried.asked


def test_what_the_config_asks_of_the_host_itself_is_asked_at_the_first_hand_over() -> None:
    checks = [
        {"name": "a", "url": "http://localhost:80/a", "status": 401, "within": 1.0},
        {"name": "b", "url": "https://127.0.0.2/b", "host": "shop.example", "within": 4.0},
        {"name": "c", "url": "https://elsewhere.example/", "within": 1.0},
    ]
    config = settings("app1", checks=checks)
    commands = OperationRenderer(chosen(config), config)
    behind = (Version("web", ReleaseId("r1"), WEB["web"]),)
    assert dict(commands(SetIngress(behind, first=True)).values)["checks"] == (
        "5 401 http://localhost:80/a",
        "8 2,3 https://127.0.0.2/b#host=shop.example",
    )
    assert dict(commands(SetIngress(behind)).values)["checks"] == ()
    assert PROXY.name in str(dict(commands(SetIngress(behind)).values)["proxy"])
