"""Messages that a host sends by itself: by its own curl, to a little server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import test_guard_watchdog
import test_tasks
import test_watch_detached
from http_kit import Quiet, serving
from kit import bash, minimal, path, program
from test_guard_scripts import OWNER
from test_guard_watchdog import Post, Site
from test_tasks import Inv
from test_watch_detached import Local

from schedgen_ops.guard import remote_commands
from schedgen_ops.guard.plan import Stage
from schedgen_ops.host_scripts import library
from schedgen_ops.notify.host_webhook import webhook
from schedgen_ops.preflight import plan
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret, script

inv, host = test_tasks.inv, test_watch_detached.host
site, post = test_guard_watchdog.site, test_guard_watchdog.post
TOKEN = "T0K3N"


class Team(ThreadingHTTPServer):
    """A webhook; what it was told, and who asks it `hangs`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.told: list[str] = []
        self.hangs = threading.Event()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}/{TOKEN}?a="b\\c'

    def wait(self, count: int = 1) -> list[str]:
        end = time.monotonic() + 60
        while len(self.told) < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.told


class Hook(Quiet):
    def do_POST(self) -> None:
        team = self.server
        assert isinstance(team, Team)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert TOKEN in self.path
        team.told.append(body["text"])
        if not team.hangs.is_set():
            self.send_response(200)
            self.end_headers()
        else:
            time.sleep(30)


@pytest.fixture
def team() -> Iterator[Team]:
    with serving(Team()) as server:
        yield server


def guarded(post: Post, team: Team, *, held: bool = False, **changes: object) -> None:
    """A watchdog that goes back at once; `held` as long as the operator's process holds the run's lock."""
    command = remote_commands.start(str(post.state), OWNER, post.config, Secret(team.url), "production app1")
    assert TOKEN not in command.text
    assert TOKEN not in str(command.stdin)
    env = {"PATH": path(post.state.parent / "bin"), "schedgen_webhook": command.secrets[0][1].reveal()}
    answer = bash(command, post.state.parent, **env)
    assert answer.ok, answer
    assert (post.state / "guard/webhook").stat().st_mode & 0o777 == 0o600
    assert TOKEN not in environment_of(post)


def environment_of(post: Post) -> str:
    pid = json.loads((post.state / "guard/owner.json").read_text())["pid"]
    return Path(f"/proc/{pid}/environ").read_text()


def slowly(folder: Path) -> None:
    """A message takes a while to have left its teller, who ends at once."""
    program(folder / "bin", "setsid", f'sleep 0.5\nexec {shutil.which("setsid")} "$@"')


@pytest.mark.parametrize("mended", [True, False])
def test_a_release_that_goes_back_with_nobody_left_is_told_of(
    post: Post, site: Site, team: Team, mended: bool
) -> None:
    post.config = replace(post.config, stages=(Stage(100, 60),))
    # Whoever hangs holds nobody up.
    team.hangs.set()
    slowly(post.state.parent)
    guarded(post, team)
    site.status = 503
    if mended:
        words = (site, post.state / "back")
        threading.Thread(target=test_guard_watchdog.well_again, args=words, daemon=True).start()
    watch = post.follow()
    why = "3 consecutive health checks failed (limit 3)"
    (told,) = team.wait()
    if mended:
        assert (watch.outcome, told) == ("back", f"production app1: release r2 was taken back: {why}")
    else:
        said = f"production app1: release r2 is bad ({why}) and could not be taken back: "
        assert (watch.outcome, told.startswith(said)) == ("broken", True)
        assert told.endswith("A person is needed")


def test_as_long_as_somebody_holds_the_lock_the_host_says_nothing(post: Post, site: Site, team: Team) -> None:
    post.config = replace(post.config, stages=(Stage(100, 60),))
    with subprocess.Popen(
        ["flock", str(post.state / "lock"), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        guarded(post, team)
        site.status = 503
        post.follow()
        assert holder.stdin
        holder.stdin.close()
    assert post.record["error"]
    assert team.told == []


class Telling(Local):
    """The same host, which gets secrets too."""

    def run(self, command: Command, **how: object) -> Result:
        env = {name: value.reveal() for name, value in command.secrets}
        return bash(command, self.folder, PATH=path(self.folder / "bin"), **env)


def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    file = tmp_path / "config/staging.yaml"
    file.write_text(
        json.dumps(json.loads(file.read_text()) | {"notify": {"host_webhook": {"variable": "HOOK"}}})
    )
    monkeypatch.setenv("HOOK", url)


def test_a_verdict_that_turns_bad_is_told_once(
    inv: Inv, host: Local, site: Site, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(host.folder, monkeypatch, team.url)
    host.__class__ = Telling
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0
    site.status = 500
    (told,) = team.wait()
    assert told == "staging app1, watched by itself: 3 consecutive checks failed (limit 3)"
    host.until(lambda kept: kept.stats.rounds.worst >= 5)
    assert len(team.told) == 1
    files = [file.read_text() for file in (host.state / "watch").iterdir() if file.is_file()]
    assert sum(TOKEN in text for text in files) == 1


def test_a_verdict_that_turns_bad_in_the_last_round_is_told(
    inv: Inv, host: Local, site: Site, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(host.folder, monkeypatch, team.url)
    host.__class__ = Telling
    site.status = 500
    slowly(host.folder)
    assert inv("verify.extended", "--detach", "--duration", "1", on=[host]) == 0
    assert team.wait() == ["staging app1, watched by itself: 1 of 1 rounds failed (limit 10 %)"]
    over(host)
    assert not (host.state / "watch/webhook").exists()


def over(host: Local) -> None:
    """Waits until nothing of the watch is left, without a look."""
    subprocess.run(["flock", "--timeout", "60", str(host.state / "watch/lock"), "true"], check=True)


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_no_address_stays_when_a_watch_is_over(
    inv: Inv, host: Local, team: Team, monkeypatch: pytest.MonkeyPatch, how: signal.Signals | None
) -> None:
    configured(host.folder, monkeypatch, team.url)
    host.__class__ = Telling
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0
    assert TOKEN in (host.state / "watch/webhook").read_text()
    if how:
        os.killpg(host.pid, how)
        over(host)
        # Of one that was killed nothing is left that could remove it: whoever looks does.
        assert how is signal.SIGTERM or not host.kept().alive
    else:
        assert inv("verify.stop", on=[host]) == 0
    assert not (host.state / "watch/webhook").exists()


def test_a_container_that_was_restarted_turns_it_bad(
    inv: Inv, host: Local, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(host.folder, monkeypatch, team.url)
    host.__class__ = Telling
    assert inv("verify.extended", "--detach", "--duration", "60", on=[host]) == 0
    host.until(lambda kept: kept.stats.rounds.checks >= 1)
    program(host.folder / "bin", "docker", test_watch_detached.DOCKER.replace("\\t0\\tfalse", "\\t1\\tfalse"))
    assert team.wait() == ["staging app1, watched by itself: web-1 was restarted"]


def test_without_curl_that_is_told_and_all_else_goes_on(tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    (few / "bash").symlink_to(str(shutil.which("bash")))
    command = script(f"{library('tell')}\ndir=$PWD\nkeep_webhook me\ntell hello\necho on")
    answer = bash(command, tmp_path, schedgen_webhook="http://h/", PATH=str(few))
    assert (answer.stdout, answer.stderr, answer.code) == ("no curl\non\n", "", 0)
    probe = plan.probes(minimal(notify={"host_webhook": {"variable": "HOOK"}}), minimal().hosts[0])["webhook"]
    (problem,) = probe.judge(Result("", "", 1, 0.0))
    assert (problem.refuses, "no curl" in problem.text) == (False, True)
    assert "webhook" not in plan.probes(minimal(), minimal().hosts[0])


def test_an_address_that_is_none_is_a_warning_without_it() -> None:
    settings = minimal(notify={"host_webhook": {"variable": "HOOK"}})
    for value in ("", f"ftp://{TOKEN}", f"https://a\nb{TOKEN}"):
        told: list[str] = []
        assert webhook(settings, {"HOOK": value}, told.append) is None
        assert len(told) == 1
        assert TOKEN not in told[0]
    assert webhook(minimal(), {}, lambda _: None) is None
