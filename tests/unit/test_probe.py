"""The prober: its script against a real server that goes away, and what a run makes of it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from deploying import one, two
from fakes import FakeHost
from kit import parses, settings

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.fleet import Fleet
from schedgen_ops.probe.commands import probe
from schedgen_ops.probe.report import Report, parse, report
from schedgen_ops.probe.run import probing
from schedgen_ops.settings import Check


class Site(BaseHTTPRequestHandler):
    """Answers 200, and 503 below /sick."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path.startswith("/sick") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def site(port: int = 0) -> Iterator[int]:
    """A site on the loopback address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Site)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Prober:
    """The script in a local bash."""

    def __init__(self, file: Path, *urls: str, silence: int = 60) -> None:
        checks = [Check(name=f"c{number}", url=url, within=1.0) for number, url in enumerate(urls)]
        self.file = file
        command = probe(str(file), checks, silence=silence, pause=0.02, patience=1.0)
        self.process = subprocess.Popen(
            ["bash", "--norc", "-o", "pipefail", "-c", command.text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "probing\n"

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def seen(self, enough: int, url: int = 0, status: int | None = None) -> Report:
        """What it saw, once there are that many answers of a URL."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            answers = parse(self.file.read_text())
            if sum(a.url == url and status in (None, a.status) for a in answers) >= enough:
                return report(answers)
            time.sleep(0.02)
        raise AssertionError(f"not enough answers: {self.file.read_text()}")

    def close(self) -> Report:
        self.process.communicate(timeout=8)
        return report(parse(self.file.read_text()))


def test_a_site_that_goes_away_for_a_moment_is_seen(tmp_path: Path) -> None:
    with site() as port:
        prober = Prober(tmp_path / "it's here", f"http://127.0.0.1:{port}/")
        prober.seen(3)
        prober.say("during")
    gone = time.monotonic()
    prober.seen(2, status=0)
    with site(port):
        away = time.monotonic() - gone
        prober.say("after")
        good = report(parse(prober.file.read_text())).requests
        prober.seen(good + 4)
        found = prober.close()
    before, during, after = found.phases
    assert (before.name, before.requests >= 3) == ("before", True)
    # The request on its way when the phase changed belongs to the one before.
    assert before.failed <= 1
    assert before.failed + during.failed >= 2
    assert after.requests >= 2
    assert found.gap >= away * 0.5
    assert not found.zero_downtime


def test_a_site_that_answers_with_errors_is_seen_beside_one_that_does_not(tmp_path: Path) -> None:
    with site() as port:
        base = f"http://127.0.0.1:{port}"
        prober = Prober(tmp_path / "probe", f"{base}/sick?a=1&b=$(touch${{IFS}}x);id", f"{base}/")
        prober.seen(3, url=1)
        prober.seen(3, url=0)
        prober.close()
    answers = parse((tmp_path / "probe").read_text())
    assert {(answer.url, answer.status) for answer in answers} == {(0, 503), (1, 200)}
    assert not (tmp_path / "x").exists()
    assert all(0 <= answer.seconds < 5 for answer in answers)


def test_it_ends_when_nobody_speaks_to_it_any_more(tmp_path: Path) -> None:
    with site() as port:
        prober = Prober(tmp_path / "probe", f"http://127.0.0.1:{port}/", silence=1)
        prober.process.wait(timeout=5)
        before = len((tmp_path / "probe").read_text())
        time.sleep(0.3)
        assert len((tmp_path / "probe").read_text()) - before < 80, "something still asks"
    prober.process.communicate()


def test_what_it_saw_is_for_its_owner_alone(tmp_path: Path) -> None:
    with site() as port:
        Prober(tmp_path / "probe", f"http://127.0.0.1:{port}/").close()
    assert (tmp_path / "probe").stat().st_mode & 0o077 == 0


def test_the_script_is_sound_and_a_url_is_no_part_of_it() -> None:
    first, second = (
        probe("/p", [Check(name="c", url=f"http://h/{path}", within=1.0)], silence=1, pause=1, patience=1)
        for path in ("a", "';id;'")
    )
    assert parses(first.text) == parses(second.text) == ""
    assert first.text.replace("http://h/a", "") == second.text.replace("'http://h/'\"'\"';id;'\"'\"''", "")


# In a run

GOOD = "1000000 0 200 0.010\n2000000 0 200 0.010\n"
FILE = "/srv/schedgen/.schedgen/probe"


def host(name: str = "app1", text: object = GOOD) -> FakeHost:
    """A host with a prober that saw this."""
    return FakeHost(name, {"probe": "probing\n", f"cat -- {FILE}": text, f"rm -rf -- {FILE}": ""})  # type: ignore[dict-item]


def test_every_host_is_asked_told_of_phases_and_cleaned_up() -> None:
    hosts = (host("app1"), host("app2"))
    with probing(Fleet(hosts), two) as prober:
        prober.phase("during")
        assert prober.stop().requests == 4
    for asked in hosts:
        assert [(hold.sent, hold.closed) for hold in asked.holds] == [(["during"], True)]
        assert asked.texts[1:] == [f"cat -- {FILE}", f"rm -rf -- {FILE}"]


def test_a_run_that_ends_early_leaves_no_prober() -> None:
    asked = host()
    with pytest.raises(KeyboardInterrupt), probing(Fleet([asked]), one):
        raise KeyboardInterrupt
    assert asked.holds[0].closed


def test_a_prober_that_cannot_start_leaves_no_other() -> None:
    first, second = host("app1"), FakeHost("app2", {"probe": ConnectionLost("gone", host="app2")})
    with pytest.raises(ConnectionLost), probing(Fleet([first, second]), two):
        raise AssertionError("nothing begins")
    assert first.holds[0].closed


def test_a_host_that_cannot_tell_any_more_is_no_zero_downtime() -> None:
    hosts = (host("app1"), host("app2", ConnectionLost("gone", host="app2")))
    with probing(Fleet(hosts), two) as prober:
        found = prober.stop()
    assert found.requests == 2
    assert not found.zero_downtime
    assert "app2" in found.sentence()


def test_where_nothing_is_checked_nothing_is_measured() -> None:
    asked = FakeHost()
    with probing(Fleet([asked]), settings("app1", checks=[])) as prober:
        assert prober.stop().sentence() == "Not measured: no request was made"
    assert asked.commands == []
