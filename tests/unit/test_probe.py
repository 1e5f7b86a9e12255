"""The prober: its script against a real server that goes away, and what a run makes of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest
from deploying import one, two
from engine_stub import PROXY
from fakes import FakeHost
from http_kit import Quiet, serving
from kit import parses, settings

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Event, Message, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.probe.remote_commands import probe
from schedgen_ops.probe.report import ProbeReport, parse, report
from schedgen_ops.probe.run import probing
from schedgen_ops.settings import Check
from schedgen_ops.shell import quote


class Site(Quiet):
    """Answers 200, and 503 below /sick."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path.startswith("/sick") else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@contextmanager
def site(port: int = 0) -> Iterator[int]:
    """A site on the loopback address."""
    with serving(ThreadingHTTPServer(("127.0.0.1", port), Site)) as server:
        yield server.server_address[1]


class Prober:
    """The script in a local bash, in a folder of its own."""

    def __init__(self, folder: Path, *urls: str, silence: int = 60) -> None:
        checks = [Check(name=f"c{number}", url=url, within=1.0) for number, url in enumerate(urls)]
        command = probe(checks, silence=silence, pause=0.02, patience=1.0, proxy=PROXY)
        self.process = subprocess.Popen(
            ["bash", "--norc", "-o", "pipefail", "-c", command.text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            text=True,
            cwd=folder,
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "probing\n"
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stdout: IO[str]) -> None:
        for line in stdout:
            self.lines.append(line.rstrip("\n"))

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def seen(self, enough: int, url: int = 0, status: int | None = None) -> ProbeReport:
        """What it saw, once there are that many answers of a URL."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            answers = parse(self.lines)
            if sum(a.url == url and status in (None, a.status) for a in answers) >= enough:
                return report(answers)
            time.sleep(0.02)
        raise AssertionError(f"not enough answers: {self.lines}")

    def close(self) -> ProbeReport:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=8) == 0
        self._reader.join(8)
        return report(parse(self.lines))


def test_a_site_that_goes_away_for_a_moment_is_seen(tmp_path: Path) -> None:
    with site() as port:
        prober = Prober(tmp_path, f"http://127.0.0.1:{port}/")
        prober.seen(3)
        prober.say("during")
    gone = time.monotonic()
    prober.seen(2, status=0)
    with site(port):
        away = time.monotonic() - gone
        prober.say("after")
        good = report(parse(prober.lines)).requests
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
        prober = Prober(tmp_path, f"{base}/sick?a=1&b=$(touch${{IFS}}x);id", f"{base}/")
        prober.seen(3, url=1)
        prober.seen(3, url=0)
        prober.close()
    answers = parse(prober.lines)
    assert {(answer.url, answer.status) for answer in answers} == {(0, 503), (1, 200)}
    assert not (tmp_path / "x").exists()
    assert all(0 <= answer.seconds < 5 for answer in answers)


def test_it_ends_when_nobody_speaks_to_it_any_more(tmp_path: Path) -> None:
    with site() as port:
        prober = Prober(tmp_path, f"http://127.0.0.1:{port}/", silence=1)
        prober.process.wait(timeout=5)
        before = len(prober.lines)
        time.sleep(0.3)
        assert len(prober.lines) - before < 3, "something still asks"
    prober.close()


def test_it_keeps_nothing_on_the_host(tmp_path: Path) -> None:
    with site() as port:
        prober = Prober(tmp_path, f"http://127.0.0.1:{port}/")
        prober.seen(3)
        prober.close()
    assert list(tmp_path.iterdir()) == []


def test_the_script_is_sound_and_a_url_is_no_part_of_it() -> None:
    first, second = (
        probe(
            [Check(name="c", url=f"http://h/{path}", within=1.0)], silence=1, pause=1, patience=1, proxy=PROXY
        )
        for path in ("a", "';id;'")
    )
    assert parses(first.text) == parses(second.text) == ""
    one, other = (shlex.split(command.text)[4] for command in (first, second))
    assert one.replace("http://h/a", "") == other.replace(quote("http://h/';id;'"), "")


# In a run

GOOD = "1000000 0 200 0.010\n2000000 0 200 0.010\n"


def host(name: str = "app1", said: str = GOOD) -> FakeHost:
    """A host with a prober that says this."""
    return FakeHost(name, {"probe": f"probing\n{said}"})


def test_every_host_is_asked_told_of_phases_and_ended() -> None:
    hosts = (host("app1"), host("app2"))
    with probing(Fleet(hosts), two, silence) as prober:
        prober.phase("during")
        assert prober.stop().requests == 4
    for asked in hosts:
        assert [(hold.sent, hold.closed) for hold in asked.holds] == [(["during"], True)]
        assert len(asked.texts) == 1


def test_a_failed_request_is_told_at_once_and_once_for_a_url() -> None:
    told: list[Event] = []
    bad = "3000000 0 000 0.010\n4000000 1 503 0.010\n5000000 0 500 0.010\n"
    with probing(Fleet([host(said=GOOD + bad)]), one, told.append):
        urls = [check.url for check in one.checks]
        assert told == [
            Message("warn", f"a request failed: {urls[0]} did not answer", "app1"),
            Message("warn", f"a request failed: {urls[1]} answered 503", "app1"),
        ]


def test_a_run_that_ends_early_leaves_no_prober() -> None:
    asked = host()
    with pytest.raises(KeyboardInterrupt), probing(Fleet([asked]), one, silence):
        raise KeyboardInterrupt
    assert asked.holds[0].closed


def test_a_prober_that_cannot_start_leaves_no_other() -> None:
    first, second = host("app1"), FakeHost("app2", {"probe": ConnectionLost("gone", host="app2")})
    with pytest.raises(ConnectionLost), probing(Fleet([first, second]), two, silence):
        raise AssertionError("nothing begins")
    assert first.holds[0].closed


def test_a_prober_that_was_lost_is_no_zero_downtime_and_what_it_said_counts() -> None:
    hosts = (host("app1"), host("app2"))
    with probing(Fleet(hosts), two, silence) as prober:
        hosts[1].holds[0].lost = True
        found = prober.stop()
    assert found.requests == 4
    assert not found.zero_downtime
    assert "app2" in found.sentence()


def test_where_nothing_is_checked_nothing_is_measured() -> None:
    asked = FakeHost()
    with probing(Fleet([asked]), settings("app1", checks=[]), silence) as prober:
        assert prober.stop().sentence() == "Not measured: no request was made"
    assert asked.commands == []
