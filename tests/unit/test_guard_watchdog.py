"""The watchdog, run for real by bash: it looks at a small site, decides, acts, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from http_kit import Quiet, serving
from kit import bash, path, program
from test_guard_scripts import CONFIG, OWNER

from schedgen_ops.events import Event, Message
from schedgen_ops.guard import remote_commands
from schedgen_ops.guard.plan import AgentConfig, Stage
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.lock.remote_commands import break_
from schedgen_ops.shell import Command
from schedgen_ops.watch.policy import GuardPolicy

METRICS = """\
http_requests_total{{route="/api",status="200"}} {0}
http_requests_total{{route="/api",status="500"}} {1}
"""


class Site(ThreadingHTTPServer):
    """A site whose status and counters a test sets; each look at the counters adds `per_look` requests."""

    status = 200
    per_look = (0, 0)
    counted = (0, 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(Quiet):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        if self.path == "/metrics":
            site.counted = (site.counted[0] + site.per_look[0], site.counted[1] + site.per_look[1])
        body = METRICS.format(*site.counted).encode() if self.path == "/metrics" else b"well"
        if self.path in ("/cut", "/joined"):
            site.status = 502 if self.path == "/cut" else 200
        self.send_response(200 if self.path == "/metrics" else site.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(("127.0.0.1", 0), _Handler)) as server:
        yield server


@dataclass
class Post:
    """A host's state folder, and a watchdog in it.

    Attributes:
        said: its log, once it was followed to the end.
    """

    state: Path
    site: Site
    config: AgentConfig
    said: str = ""

    def run(self, command: Command) -> str:
        answer = bash(command, self.state.parent, PATH=path(self.state.parent / "bin"))
        assert answer.ok, answer
        return answer.stdout

    def start(self, **changes: object) -> None:
        self.config = replace(self.config, **changes)  # type: ignore[arg-type]
        self.run(remote_commands.start(str(self.state), OWNER, self.config))

    def follow(self, on_line: Callable[[str], None] = lambda _: None) -> HostWatch:
        """What its log says until its end; `on_line` is told each line as it comes."""
        seen: list[Event] = []
        watch = HostWatch(self.config.policy, self.config.stages, seen.append)
        words = ["bash", "--norc", "-c", remote_commands.follow(str(self.state)).text]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
            late = threading.Timer(120, following.kill)
            late.daemon = True
            late.start()
            assert following.stdout
            for line in following.stdout:
                watch.take(line.rstrip("\n"))
                on_line(line.rstrip("\n"))
            late.cancel()
        self.said = "\n".join(event.text for event in seen if isinstance(event, Message))
        end = time.monotonic() + 10
        while (self.state / "guard").exists() or self.processes():
            assert time.monotonic() < end, self.processes()
            time.sleep(0.05)
        return watch

    def processes(self) -> str:
        """What still runs of it: its folder is among its words."""
        words = ["pgrep", "-f", f"schedgen-guard .*{self.state}"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    @property
    def record(self) -> dict[str, str]:
        return dict(json.loads((self.state / "releases/r2/release.json").read_text()))


@pytest.fixture
def post(tmp_path: Path, site: Site) -> Post:
    state = tmp_path / "it's a state"
    (state / "releases/r2").mkdir(parents=True)
    program(tmp_path / "bin", "docker", "exit 1")
    named = f"echo r2 > {shlex.quote(str(state / 'current'))}"
    came = f"touch {shlex.quote(str(state / 'back'))}"
    config = replace(
        CONFIG,
        stages=(Stage(100, 3),),
        policy=GuardPolicy(min_requests=5),
        services=(),
        proxies=(),
        targets=(f"5 - 2,3 {site.url}/health",),
        metrics=f"5 - 2,3 {site.url}/metrics",
        back=("true", "-", came),
        keep=(named,),
        records=tuple(
            json.dumps({"id": "r2", "state": word, "error": "@reason@", "finished": "@finished@"})
            for word in ("DONE", "FAILED", "BROKEN")
        ),
    )
    return Post(state, site, config)


def test_a_good_release_is_kept_and_nothing_is_left(post: Post, site: Site) -> None:
    site.per_look = (10, 0)
    post.start()
    watch = post.follow()
    assert (watch.outcome, watch.rounds.failures) == ("kept", 0)
    # One a second, and fewer on a busy machine.
    assert 1 <= watch.rounds.checks <= 3
    assert {path.name for path in post.state.parent.iterdir()} == {"bin", post.state.name}
    assert sum(sample.counted or 0 for sample in watch.samples) == 10 * watch.rounds.checks
    assert post.record["state"] == "DONE"
    assert post.record["finished"].endswith("Z")
    assert (post.state / "current").read_text() == "r2\n"
    assert not (post.state / "back").exists()
    assert (post.state / "releases/r2/release.json").stat().st_mode & 0o077 == 0


def test_checks_that_fail_go_back_and_what_is_checked_out_can_be_read(post: Post, site: Site) -> None:
    before = os.umask(0o022)
    try:
        post.start(stages=(Stage(100, 60),))
    finally:
        os.umask(before)
    site.status = 503
    threading.Thread(target=well_again, args=(site, post.state / "back"), daemon=True).start()
    watch = post.follow()
    assert watch.outcome == "back", post.said
    assert "3 consecutive health checks failed (limit 3)" in post.said
    assert f"{site.url}/health answered 503" in post.said
    assert "TRIGGERING AUTOMATIC ROLLBACK" in post.said
    assert watch.answering is not None
    assert post.record["state"] == "FAILED"
    assert post.record["error"] == "3 consecutive health checks failed (limit 3)"
    assert (post.state / "back").stat().st_mode & 0o044 == 0o044
    assert not (post.state / "current").exists()


def well_again(site: Site, file: Path) -> None:
    """The site is well as soon as the way back has been gone."""
    while not file.exists():
        time.sleep(0.05)
    site.status = 200


def test_errors_that_services_count_go_back(post: Post, site: Site) -> None:
    site.per_look = (10, 5)
    post.start(stages=(Stage(100, 60),))
    watch = post.follow()
    assert (watch.outcome, post.record["error"]) == ("back", watch.verdict)
    assert watch.verdict == "Error rate (33.33%) exceeded threshold (10.00%)"


def test_a_way_back_that_fails_is_broken_and_says_why(post: Post, site: Site) -> None:
    site.per_look = (10, 5)
    post.start(back=("echo no such image >&2; exit 1", "-", *post.config.back[2:]))
    watch = post.follow()
    assert (watch.outcome, post.record["state"]) == ("broken", "BROKEN")
    assert "going back failed: no such image" in post.record["error"]
    # What comes after it is done all the same.
    assert (post.state / "back").exists()


def test_a_way_back_may_be_longer_than_an_argument_of_a_program(post: Post, site: Site) -> None:
    site.per_look = (10, 5)
    long = f": {'x' * 200_000}"
    post.start(back=(long, f"cat; {long}; exit 3", "-", *post.config.back[2:]))
    assert post.follow().outcome == "broken"
    assert "a command of the way back failed" in post.record["error"]
    post.start(back=(long, "-", *post.config.back[2:]))
    assert post.follow().outcome == "back", post.said
    assert post.record["state"] == "FAILED"


@pytest.mark.parametrize(
    ("action", "timeout", "outcome"), [("accept", 60, "kept"), ("rollback", 60, "back"), ("wait", 1, "back")]
)
def test_too_few_requests_are_settled_as_configured(
    post: Post, site: Site, action: str, timeout: int, outcome: str
) -> None:
    site.per_look = (1, 0)
    post.start(insufficient_traffic=action, traffic_timeout=timeout, stages=(Stage(100, 2),))
    watch = post.follow()
    assert watch.outcome == outcome, post.said
    assert "Inconclusive: " in post.said


def test_a_word_makes_it_go_back_and_a_second_host_is_waited_for(post: Post, site: Site) -> None:
    lock, asked = post.state / "lock", post.state.parent / "asked"
    notes = f'echo "$*" >> {shlex.quote(str(asked))}; exec {shutil.which("flock")} "$@"'
    program(post.state.parent / "bin", "flock", notes)

    def overtake(line: str) -> None:
        """Another host goes back once this one has seen that the run is still there."""
        if line != "good":
            return
        end = time.monotonic() + 60
        while f"--nonblock {lock} true" not in asked.read_text():
            assert time.monotonic() < end
            time.sleep(0.05)
        post.run(remote_commands.signal(str(post.state), "back app2: too slow"))

    with lock.open("w") as run:
        fcntl.flock(run, fcntl.LOCK_EX)
        post.start(alone=False, stages=(Stage(100, 1),))
        watch = post.follow(overtake)
    assert (watch.outcome, post.record["error"]) == ("back", "app2: too slow")


def test_with_nobody_left_to_ask_it_keeps_what_is_good(post: Post) -> None:
    post.start(alone=False, stages=(Stage(100, 1),))
    assert post.follow().outcome == "kept"


def test_on_a_canary_host_a_good_release_is_left_to_the_run_and_not_kept(post: Post) -> None:
    def give_it_to_others(line: str) -> None:
        if line == "good":
            post.run(remote_commands.signal(str(post.state), "leave"))

    with (post.state / "lock").open("w") as run:
        fcntl.flock(run, fcntl.LOCK_EX)
        post.start(alone=False, canary=True, keep=("touch kept",), stages=(Stage(100, 1),))
        watch = post.follow(give_it_to_others)
    assert (watch.outcome, watch.good, watch.verdict) == ("left", True, "")
    # Nothing is written: the release is neither kept nor taken back.
    assert list((post.state / "releases/r2").iterdir()) == []
    assert not (post.state / "guard").exists()


def test_on_a_canary_host_a_good_release_goes_back_where_its_run_is_gone(post: Post) -> None:
    post.start(alone=False, canary=True, stages=(Stage(100, 1),))
    watch = post.follow()
    assert (watch.outcome, watch.good) == ("back", True)
    assert post.record["state"] == "FAILED"
    assert "before other hosts got the release" in post.record["error"]


def test_a_release_that_cannot_be_named_goes_back(post: Post) -> None:
    post.start(keep=("false",), stages=(Stage(100, 1),))
    watch = post.follow()
    assert watch.outcome == "back"
    assert "could not be made the release that serves" in post.record["error"]
    assert [path.name for path in (post.state / "releases/r2").iterdir()] == ["release.json"]


def test_a_release_that_needs_what_it_replaced_is_not_named_and_goes_back(post: Post, site: Site) -> None:
    def ask(path: str) -> str:
        asked = f"exec 3<>/dev/tcp/127.0.0.1/{site.server_port}"
        return f"{asked}; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 > /dev/null"

    post.start(cut=(ask("/cut"),), back=(ask("/joined"),), stages=(Stage(100, 1),))
    watch = post.follow()
    assert watch.outcome == "back"
    assert "do not pass once what it replaced is out of reach" in post.record["error"]
    assert post.record["state"] == "FAILED"
    assert not (post.state / "current").exists()


def test_a_release_that_does_without_what_it_replaced_is_kept(post: Post) -> None:
    cut = f"touch {shlex.quote(str(post.state / 'cut'))}; ! [ -e {shlex.quote(str(post.state / 'current'))} ]"
    post.start(cut=(cut,), stages=(Stage(100, 1),))
    assert post.follow().outcome == "kept"
    assert (post.state / "cut").exists()


def test_the_record_is_ready_before_the_release_is_named(post: Post) -> None:
    """Wherever a host ends, what `current` names is no release that is still watched."""
    mine, state = (shlex.quote(str(path)) for path in (post.state / "releases/r2", post.state))
    placed = f"mv {mine}/.release.json {mine}/release.json; cp {mine}/release.json {state}/seen"
    post.start(keep=(f"{placed}; {post.config.keep[0]}",), stages=(Stage(100, 1),))
    assert post.follow().outcome == "kept"
    assert json.loads((post.state / "seen").read_text())["state"] == "DONE"
    assert [path.name for path in (post.state / "releases/r2").iterdir()] == ["release.json"]


# An old container, 2, and a new one, 3, behind an ingress, 1, and how that answers.
ENGINE = r"""
case $* in
  ps*schedgen-ingress*) echo 1 ;;
  ps*schedgen.release=*) echo 3 ;;
  ps*) printf '3\n2\n' ;;
  inspect*OOMKilled*) printf '%s\tweb\tweb\t%s\trunning\thealthy\t0\tfalse\tt\t10.0.0.%s,\n' 2 r1 2 3 r2 3 ;;
  exec*) {answers} ;;
  *) exit 1 ;;
esac"""
ANSWERS = r"""while read -r; do
  echo '# pxname,svname,scur,status,type,addr'
  printf 'web_80,s%s,0,UP,2,10.0.0.%s:80\n' 1 2 2 3
  printf '\001'
done"""


@pytest.mark.parametrize(("answers", "logged"), [("exit 1", ["unweighed 100"]), (ANSWERS, [])])
def test_a_share_that_the_ingress_did_not_take_is_logged_before_its_stage(
    post: Post, answers: str, logged: list[str]
) -> None:
    program(post.state.parent / "bin", "docker", ENGINE.replace("{answers}", answers))
    post.start(services=("web",), proxies=("web_80",), stages=(Stage(10, 1), Stage(100, 1)))
    lines: list[str] = []
    assert post.follow(lines.append).outcome == "kept", post.said
    seen = [line for line in lines if line.startswith(("unweighed", "stage"))]
    assert seen == ["stage 10 1", *logged, "stage 100 1"]


def test_one_that_is_told_to_stop_decides_nothing_and_leaves_nothing(post: Post) -> None:
    post.start(stages=(Stage(100, 60),))
    unlock = threading.Timer(1, post.run, (break_(str(post.state)),))
    unlock.start()
    assert post.follow().outcome == "ended"
    unlock.join()
    assert not (post.state / "releases/r2/release.json").exists()
