"""Visitors turned away at the ingress: the script on an engine, whose port is asked for real."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from engine_stub import Engine
from fakes import FakeHost
from kit import settings
from test_tasks import Capture, Inv

from schedgen_ops.commands import maintenance as look
from schedgen_ops.errors import ConfigError
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import Closing
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings

inv = test_tasks.inv
CLOSING = Closing(b"<h1>Back soon</h1>", what="visitors of all services are turned away (me)")


class Site:
    """An engine whose ingress's port answers as the map in its folder says."""

    def __init__(self, root: Path) -> None:
        self.engine = Engine(root)
        self.config = settings(directory=str(root / "site"), project="schedgen")
        self.folder = root / "site/.schedgen/ingress"
        self.folder.mkdir(parents=True)
        self.deaf = self.stuck = self.raw = False
        self.route = ""
        self.stop = threading.Event()
        site = self

        class Visit(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                map_ = site.folder / "maintenance.map"
                closed = map_.read_text() if map_.exists() and not site.deaf else ""
                if site.raw:
                    site.stop.wait(0 if closed else 5)
                    return
                if "hold:" in closed:
                    site.stop.wait(20)
                said = b"503 Gone\r\nRetry-After: 60" if closed or site.stuck else b"200 OK"
                self.wfile.write(b"HTTP/1.1 " + said + b"\r\n\r\n")

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Visit)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.engine.say(published=f"{self.port}/tcp -> 0.0.0.0:{self.port}")

    def turn(self, closing: Closing | None) -> Result:
        known = {self.route or f"web_{self.port}": not self.raw}
        return self.engine.run(maintenance.command(self.config, known, closing))

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.engine.has("schedgen-ingress")
    yield made
    made.stop.set()
    made.server.shutdown()
    made.server.server_close()


def test_visitors_get_the_page_until_it_is_off_and_the_port_says_so(site: Site) -> None:
    answer = site.turn(CLOSING)
    assert (answer.ok, answer.lines()) == (True, (f"{site.port} page",)), answer
    assert site.read("maintenance.map") == "* page:60:0:-\n"
    assert site.read("maintenance.html") == "<h1>Back soon</h1>"
    assert (site.folder / "maintenance.html").stat().st_mode & 0o044 == 0o044
    assert site.read("closed").strip() == CLOSING.what
    noted = look.parse(site.engine.run(look.look(str(site.folder))).stdout)
    assert (noted.what, noted.by) == (CLOSING.what, "me")
    assert datetime.fromisoformat(noted.since).timestamp() == int((site.folder / "closed").stat().st_mtime)
    answer = site.turn(None)
    assert (answer.ok, answer.lines()) == (True, (f"{site.port} open",)), answer
    assert site.read("maintenance.map") == ""
    assert not (site.folder / "closed").exists()
    assert site.engine.run(look.look(str(site.folder))).stdout == ""


def test_the_same_page_is_switched_on_without_a_reload(site: Site) -> None:
    site.turn(CLOSING)
    before = len(site.engine.log)
    assert site.turn(CLOSING).ok
    file = "/etc/schedgen-ingress/maintenance.map"
    asked = f"ask add map @7 {file} * page:60:0:-;commit map @7 {file}"
    assert site.engine.log[before:] == [asked]
    site.engine.say(unversioned="")
    assert site.turn(CLOSING).ok
    assert site.engine.log[before:] == [asked, f"ask clear map {file};add map {file} * page:60:0:-"]


def test_from_all_services_to_one_a_request_always_finds_what_closes_it(site: Site) -> None:
    site.turn(CLOSING)
    site.engine.say(mapped="0x55d0c0 * page:60:0:-")
    before = len(site.engine.log)
    assert site.turn(Closing(CLOSING.page, ("web",), what="one")).ok
    file, route = "/etc/schedgen-ingress/maintenance.map", f"web_{site.port} page:60:0:-"
    both = f"ask add map @7 {file} * page:60:0:-;add map @7 {file} {route};commit map @7 {file}"
    one = f"ask add map @7 {file} {route};commit map @7 {file}"
    assert site.engine.log[before:] == [both, one]


def test_requests_to_one_service_are_held(site: Site) -> None:
    answer = site.turn(Closing(b"later", ("web",), 30, True, "held"))
    assert (answer.ok, answer.lines()) == (True, (f"{site.port} held",)), answer
    assert site.read("maintenance.map") == f"web_{site.port} hold:60:30:health\n"


def test_a_port_is_asked_at_the_address_and_number_where_it_is_published(site: Site) -> None:
    site.route = "web_18118"
    site.engine.say(published=f"{site.port}/tcp -> 127.0.0.9:1\n18118/tcp -> 127.0.0.1:{site.port}")
    assert site.turn(CLOSING).lines() == (f"{site.port} page",)


def test_visitors_of_what_is_no_http_are_cut_off_and_let_in(site: Site) -> None:
    site.raw = True
    answer = site.turn(CLOSING)
    assert (answer.ok, answer.lines()) == (True, (f"{site.port} cut",)), answer
    answer = site.turn(None)
    assert (answer.ok, answer.lines()) == (True, (f"{site.port} open",)), answer


def test_where_the_port_answers_as_before_visitors_are_let_in_again(site: Site) -> None:
    site.deaf = True
    answer = site.turn(CLOSING)
    assert not answer.ok
    assert f"a visitor of port {site.port} gets: open, not: page" in answer.stderr
    assert site.read("maintenance.map") == ""
    assert not (site.folder / "closed").exists()


def test_a_service_that_does_not_answer_as_it_should_does_not_keep_visitors_out(site: Site) -> None:
    site.turn(CLOSING)
    site.stuck = True
    answer = site.turn(None)
    assert not answer.ok
    said = f"visitors are let in, but a visitor of port {site.port} gets: page, not: open"
    assert said in answer.stderr
    assert site.read("maintenance.map") == ""
    assert not (site.folder / "closed").exists()


def test_an_ingress_that_was_configured_before_there_was_this_is_left_alone(site: Site) -> None:
    site.engine.say(unmapped="")
    assert site.turn(CLOSING).code == 11
    assert [*site.folder.iterdir()] == []


def test_a_page_that_is_not_read_leaves_nothing_for_the_next_start(site: Site) -> None:
    site.engine.say(stateless="")
    answer = site.turn(CLOSING)
    assert (answer.code, "the ingress does not answer" in answer.stderr) == (1, True), answer
    assert site.read("maintenance.map") == ""
    assert not (site.folder / "closed").exists()


def test_without_an_ingress_nothing_is_noted(site: Site) -> None:
    (site.engine.root / "containers/1").unlink()
    assert site.turn(CLOSING).code == 10
    assert [*site.folder.iterdir()] == []


def page(tmp_path: Path, body: bytes | None) -> Settings:
    file = tmp_path / "page.html"
    if body is not None:
        file.write_bytes(body)
    values: dict[str, Any] = {"ingress": {"page": str(file)}}
    return settings(**values)


@pytest.mark.parametrize("body", [None, b" \n", b"x" * 12_001])
def test_a_page_that_cannot_be_sent_is_refused_before_anything(tmp_path: Path, body: bytes | None) -> None:
    with pytest.raises(ConfigError, match="the page for visitors"):
        maintenance.page(page(tmp_path, body))


def test_the_page_is_that_of_the_config_or_a_plain_one(tmp_path: Path) -> None:
    assert maintenance.page(page(tmp_path, b"<p>ours")) == b"<p>ours"
    assert b"Down for maintenance" in maintenance.page(settings())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sideways",), "maintenance is on or off, not 'sideways'"),
        (("on", "--hold", "4"), "5 to 120 seconds, not '4'"),
        (("on", "--hold", "1e1"), "not '1e1'"),
        (("on", "--services", ""), "a service has a name, not ''"),
        (("on", "--services", "web,bakend"), "no service web, bakend"),
        (("off", "--services", "backend"), "off is for everybody"),
    ],
)
def test_words_that_mean_nothing_are_refused_before_a_host_is_asked(
    inv: Inv, capsys: Capture, words: tuple[str, ...], said: str
) -> None:
    asked = FakeHost("app1")
    assert inv("ops.maintenance", *words, "--yes", on=[asked]) == 2
    assert said in capsys.readouterr().err
    assert asked.commands == []


def test_where_no_ingress_of_ours_is_it_is_refused(inv: Inv, capsys: Capture) -> None:
    asked = FakeHost("app1", {"read the releases": "\n"})
    assert inv("ops.maintenance", "on", "--yes", on=[asked]) == 3
    assert "no service here is behind an ingress of ours" in capsys.readouterr().err
