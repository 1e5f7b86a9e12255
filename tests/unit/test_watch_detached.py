"""A watch that goes on without a laptop: its real scripts, on a host that is a folder."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import test_tasks
from fakes import FakeHost
from http_kit import Quiet, serving
from kit import bash, path, program
from test_tasks import Capture, Inv

from schedgen_ops.command_errors import checked
from schedgen_ops.remote import CAPTURE_LIMIT, Result
from schedgen_ops.shell import Command
from schedgen_ops.watch import detached, round_stats
from schedgen_ops.watch.kept import Kept, read

inv = test_tasks.inv
DOCKER = r"""
case $1 in
  ps) echo id1 ;;
  inspect) printf 'id1\t/web-1\tweb\t-\t%s\t-\t0\tfalse\t2025\t-,\t0\t,\n' "$(cat "$HOME/web")" ;;
esac
"""


class Site(ThreadingHTTPServer):
    """A site with the status that a test sets."""

    status = 200


class Answer(Quiet):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(("127.0.0.1", 0), Answer)) as server:
        yield server


class Local(FakeHost):
    """A host that is a folder here; its commands are run."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.state = folder / "srv/.schedgen"
        self.state.mkdir(parents=True)
        (folder / "web").write_text("running")
        program(folder / "bin", "docker", DOCKER)

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        answer = bash(command, self.folder, PATH=path(self.folder / "bin"))
        return checked(command, answer, self.name) if check else answer

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        answer = self.run(command, deadline=deadline, check=check)
        for line in answer.stdout.splitlines():
            on_line(line)
        return answer

    def kept(self) -> Kept:
        return read(self.run(detached.look(str(self.state), samples=True), deadline=9).stdout)

    def until(self, what: Callable[[Kept], bool]) -> Kept:
        end = time.monotonic() + 60
        while not what(kept := self.kept()):
            assert time.monotonic() < end, (kept, (self.state / "watch/errors").read_text())
            time.sleep(0.1)
        return kept

    @property
    def pid(self) -> int:
        return int(self.kept().owner["pid"])


@pytest.fixture
def host(inv: Inv, tmp_path: Path, site: Site) -> Iterator[Local]:
    local = Local(tmp_path)
    config = {
        "project": "blog",
        "directory": str(tmp_path / "srv"),
        "hosts": [{"name": "app1", "address": "app1"}],
        "watch": {"interval": 1},
        "checks": [{"name": "web", "url": f"http://127.0.0.1:{site.server_port}/", "within": 5}],
    }
    (tmp_path / "config/staging.yaml").write_text(json.dumps(config))
    yield local
    bash(detached.stop(str(local.state)), tmp_path)


def test_a_host_watches_on_alone_and_ends_by_itself(inv: Inv, host: Local, capsys: Capture) -> None:
    assert inv("verify.extended", "--detach", "--duration", "3", on=[host]) == 0
    # A session of its own: what started it is gone.
    assert os.getsid(host.pid) == host.pid
    kept = host.until(lambda kept: not kept.alive)
    assert kept.ended == "done"
    assert kept.figures
    assert (kept.figures.failures, kept.figures.checks >= 1) == (0, True)
    assert inv("verify.report", on=[host]) == 0
    told = capsys.readouterr().out
    assert re.search(r"\d checks? within the limits", told)
    (page,) = host.folder.glob("state/schedgen/staging/verify-*.html")
    assert f"Report: {page}" in told
    assert "web-1" in page.read_text()
    # What is over can be asked again, and begun anew.
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0


def test_one_watches_a_host_at_a_time(inv: Inv, host: Local, capsys: Capture) -> None:
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0
    first = host.pid
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 3
    assert re.search(r"\S+@\S+, since 20\S+, watches this host already", capsys.readouterr().err)
    assert host.pid == first
    assert inv("verify.extended", "--detach", "--replace", "--duration", "60", on=[host]) == 0
    assert host.pid != first
    # Who has ended and was not waited for has no words any more.
    words = Path(f"/proc/{first}/cmdline")
    assert not words.exists() or not words.read_bytes()
    assert inv("verify.extended", "--replace", on=[host]) == 2


def test_a_report_meanwhile_tells_what_was_seen_so_far(
    inv: Inv, host: Local, site: Site, capsys: Capture
) -> None:
    assert inv("verify.report", on=[host]) == 3
    assert "there is no detached watch" in capsys.readouterr().err
    assert inv("verify.extended", "--detach", "--duration", "600", on=[host]) == 0
    host.until(lambda kept: kept.stats.rounds.checks >= 2)
    assert inv("verify.report", on=[host]) == 0
    assert re.search(r"Still watching, \d+s of 600s are over", capsys.readouterr().out)
    assert re.fullmatch(r"\d+ s of 10 min, 0 of \d+ rounds failed", host.kept().standing())
    site.status = 500
    (host.folder / "web").write_text("exited")
    host.until(lambda kept: kept.stats.rounds.worst >= 3)
    assert inv("verify.report", on=[host]) == 6
    said = capsys.readouterr()
    assert "consecutive checks failed (limit 3)" in said.err
    assert "service web: web-1 is exited" in said.err
    assert inv("verify.stop", on=[host]) == 0
    kept = host.kept()
    assert (kept.alive, kept.ended) == (False, "stopped")
    assert inv("verify.report", on=[host]) == 6
    assert "Ended by `inv verify.stop` after" in capsys.readouterr().out
    assert inv("verify.stop", on=[host]) == 0
    assert "There is no detached watch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("how", "boot"), [(signal.SIGKILL, ""), (signal.SIGTERM, ""), (signal.SIGTERM, "another")]
)
def test_what_nobody_saw_is_no_success(
    inv: Inv, host: Local, capsys: Capture, how: signal.Signals, boot: str
) -> None:
    assert inv("verify.extended", "--detach", "--duration", "600", on=[host]) == 0
    host.until(lambda kept: kept.stats.rounds.checks >= 1)
    os.killpg(host.pid, how)
    host.until(lambda kept: not kept.alive)
    owner = host.state / "watch/owner.json"
    told = json.loads(owner.read_text())
    # Long ago, and in an earlier boot.
    changed = owner.read_text().replace(f'"began":{told["began"]}', f'"began":{told["began"] - 300}')
    owner.write_text(changed.replace(told["boot"], boot) if boot else changed)
    assert "cut off" in host.kept().standing()
    assert inv("verify.report", on=[host]) == 6
    said = capsys.readouterr()
    why = "the host was restarted" if boot else "the watch was killed"
    assert re.search(rf"{why} after \d+ s of 10 min, and nobody watched from then on", said.err)
    assert re.search(r"\d{3} of \d{3} rounds are unknown", said.out + said.err)


def test_rounds_that_nobody_made_are_unknown(inv: Inv, host: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_stats, "SLACK", 1)
    assert inv("verify.extended", "--detach", "--duration", "600", on=[host]) == 0
    host.until(lambda kept: kept.stats.rounds.checks >= 1)
    # As a machine is whose host pauses it.
    os.killpg(host.pid, signal.SIGSTOP)
    time.sleep(4)
    os.killpg(host.pid, signal.SIGCONT)
    kept = host.until(lambda kept: kept.stats.rounds.unknown >= 2)
    assert kept.figures
    assert kept.figures.unknown >= 2
    assert re.search(r"\d unknown$", kept.standing())
    assert kept.figures.failures == 0


def test_what_is_kept_stays_within_its_bounds(inv: Inv, host: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detached, "MOST", 2000)
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0
    kept = host.until(lambda kept: kept.stats.rounds.checks >= 12)
    assert (host.state / "watch/samples").stat().st_size < 3000
    assert "\ncounted\t" in (host.state / "watch/samples").read_text()
    assert kept.stats.rounds.failures == 0
    assert kept.figures
    assert abs(kept.figures.checks - kept.stats.rounds.checks) <= 1
