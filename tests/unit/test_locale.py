"""A host whose people write 0,5 for a half, and whose awk counts in 32 bits: the same as everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import HTTPServer
from pathlib import Path

import pytest
from http_kit import Quiet, serving
from kit import bash, program
from reference_judge import parse
from test_guard_scripts import HEADER, OWNER
from test_guard_watchdog import Post, Site, post, site  # noqa: F401

from schedgen_ops import host_scripts, wire
from schedgen_ops.commands import http
from schedgen_ops.guard import remote_commands
from schedgen_ops.guard.plan import Stage
from schedgen_ops.shell import LOCALE, Command, script, sh
from schedgen_ops.watch.policy import GuardPolicy, variables

NONCE = "0123456789abcdef"
AWKS = [[name] for name in ("mawk", "gawk", "original-awk") if shutil.which(name)]
AWKS += [["busybox", "awk"]] if shutil.which("busybox") else []
BIG = 3 * (1 << 31)
INGRESS, COUNTERS, DELTAS, JUDGE = (
    host_scripts.text(f"{name}.awk")
    for name in ("proxies/haproxy/traffic", "watch/counters", "watch/deltas", "watch/judge")
)


@pytest.fixture(scope="session")
def german(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a login on a German host, with a locale made for it."""
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")], check=False)
    env = {"LOCPATH": str(folder), "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de:en"}
    half = subprocess.run(
        ["mawk", 'BEGIN { printf "%.1f", 0.5 }'], env={**os.environ, **env}, capture_output=True, check=True
    )
    assert half.stdout == b"0,5", "this machine has no locale de_DE to test with: install locales and mawk"
    return env


def sent(request: wire.Request, env: dict[str, str]) -> bytes:
    done = subprocess.run(
        ["/bin/sh", "-c", request.line],
        input=request.stdin,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        check=True,
    )
    return wire.answer(done.stdout, done.stderr, NONCE).stdout


HALF = Command(
    'mawk -v a=0.25 \'BEGIN { printf "%.1f", a * 2 }\'; echo " ${LANGUAGE-}"; cat -- /nowhere 2>&1; true'
)
SAID = "0.5 \ncat: /nowhere: No such file or directory\n"


@pytest.mark.parametrize("command", [HALF, HALF.with_stdin("x"), Command(f": {'x' * 100_000}; {HALF.text}")])
def test_every_program_writes_numbers_and_messages_as_c_does(
    command: Command, german: dict[str, str]
) -> None:
    assert sent(wire.single(command, deadline=9, nonce=NONCE), german).decode() == SAID


def test_so_do_those_of_a_batch(german: dict[str, str]) -> None:
    request = wire.several([HALF, script(HALF.text)], deadline=9, nonce=NONCE)
    answer = wire.FramedAnswer(sent(request, german), b"", "")
    assert answer.stdout.decode().count(SAID) == 2


def test_a_long_deadline_and_a_short_one_are_understood(german: dict[str, str]) -> None:
    request = wire.single(sh("echo", "ä"), deadline=9.25, nonce=NONCE)
    assert sent(request, german).decode() == "ä\n"


def test_where_there_is_no_such_locale_it_is_c(german: dict[str, str], tmp_path: Path) -> None:
    """bash keeps the one that it had, should setting another fail."""
    text = LOCALE.replace("C.UTF-8", "xx_XX.UTF-8") + 'echo "$LC_ALL ${EPOCHREALTIME//[0-9]/}"'
    answer = bash(Command(text), tmp_path, **german)
    assert (answer.stdout, answer.stderr) == ("C .\n", "")


class _Slow(Quiet):
    def do_GET(self) -> None:
        threading.Event().wait(0.15)
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def url() -> Iterator[str]:
    with serving(HTTPServer(("127.0.0.1", 0), _Slow)) as server:
        yield f"http://127.0.0.1:{server.server_port}/"


def test_a_time_below_a_second_is_no_zero(url: str, german: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("bash", "timeout", "cat"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    for env in (german, {**german, "PATH": str(tmp_path / "bin")}):
        answer = http.parse_answer(bash(http.get(url, 5), tmp_path, **env).stdout)
        assert (answer.status, answer.error) == (200, "")
        assert 0.15 <= answer.seconds < 5


def test_the_watchdog_looks_as_often_as_it_should_and_hears_what_it_is_told(
    post: Post,  # noqa: F811
    site: Site,  # noqa: F811
    german: dict[str, str],
) -> None:
    program(post.state.parent / "bin", "awk", f'exec {shutil.which("mawk")} "$@"')
    site.per_look = (10, 0)
    env = {"PATH": f"{post.state.parent / 'bin'}:{os.environ['PATH']}", **german}
    post.config = replace(post.config, stages=(Stage(100, 60),))
    assert bash(remote_commands.start(str(post.state), OWNER, post.config), post.state.parent, **env).ok
    threading.Timer(
        2.5,
        post.run,
        (remote_commands.signal(str(post.state), 'back enough: 0,5 \t is "a\\b" \x1b[1m half'),),
    ).start()
    watch = post.follow()
    assert watch.outcome == "back", post.said
    # One a second; without a pause it would be dozens.
    assert 1 <= watch.rounds.checks <= 4
    assert watch.rounds.failures == 0
    assert post.record["error"] == 'enough: 0,5 \t is "a\\b" \x1b[1m half'


# Numbers beyond 32 bits


def awk(words: list[str], text: str, given: str, **variables: str) -> str:
    named = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        [*words, *named, text], input=given, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("words", AWKS, ids=" ".join)
def test_large_counts_survive_every_awk(words: list[str]) -> None:
    table = f"# table: b_1, type: integer\n0x1: key=1 use=0 exp=0 gpc0={BIG} gpc1=7\n"
    stat = f"{table}{HEADER}\nb_1,s1,5,UP,1,2,10.0.0.5:1,\n"
    said = awk(words, INGRESS, stat, proxies=" b_1 ", fresh=" 10.0.0.5 ", old="")
    assert said.splitlines()[0] == f"h n b_1/s1@10.0.0.5:1 {BIG + 5} 12"
    given = f"p h n b_1/s1@x 5 1\nc h n b_1/s1@x {BIG} {BIG + 2}\n"
    assert awk(words, DELTAS, given, least="1", base="-", percent="-").splitlines() == [
        f"{BIG - 5} {BIG + 1} - - - - - - - - -",
        f"b_1 {BIG - 5} {BIG + 1} - -",
    ]
    metrics = f'r_total{{status="200"}} {BIG}\nr_total{{status="500"}} {BIG}\n'
    said = awk(
        words,
        COUNTERS,
        metrics,
        side="n",
        key="a",
        paths="",
        requests="r_total",
        latency="l",
    )
    assert said == f"m n a {2 * BIG} {BIG}\n"
    rows = "".join(f"{at} 0 {BIG} {BIG} - - - - - - - - - 0 - -\n" for at in range(1, 12))
    limits = dict(word.split("=") for word in variables(GuardPolicy())[1::2])
    verdict = parse(awk(words, JUDGE, rows, stage="1", **limits).rstrip("\n"))
    assert verdict.back
    assert verdict.detail == f"{BIG} of {BIG} requests at the ingress"


@pytest.mark.parametrize("words", AWKS, ids=" ".join)
def test_edges_of_a_histogram_that_differ_late_are_two(words: list[str]) -> None:
    edges = ("3000000001", "3000000002")
    text = "".join(
        f"q b n k|{edge} 0\nc b n k|{edge} {count}\n" for edge, count in zip(edges, (0, 100), strict=True)
    )
    text += "q b n k|+Inf 0\nc b n k|+Inf 100\n"
    (line,) = awk(words, DELTAS, text, least="1", base="-", percent="-").splitlines()
    assert line.split()[9] == "3000000001.950000"


def test_what_docker_counts_in_kib_is_told_in_bytes(tmp_path: Path) -> None:
    program(tmp_path / "bin", "awk", f'exec {shutil.which("mawk")} "$@"')
    text = sh("echo", f"{BIG} /data").pipe(sh("awk", '{ printf "%.0f\\n", $1 * 1024 }'))
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    assert bash(text, tmp_path, **env).stdout == f"{BIG * 1024}\n"
