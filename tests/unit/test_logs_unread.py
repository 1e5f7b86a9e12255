"""Logs that the engine cannot read are unknown: its refusal is no line of a service, and no silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import test_guard_watchdog
import test_rollout_scripts
import test_tasks
from engine_stub import Engine
from fakes import FakeHost, context, result
from kit import bash, path, program, settings
from test_guard_watchdog import Post
from test_tasks import Capture, Inv
from test_verify_logs import releases

from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import OpsError
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Logs
from schedgen_ops.verify import logs, run
from schedgen_ops.watch import sampler
from schedgen_ops.watch.host_sample import HostSample, Reader
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.rules import CheckVerdict
from schedgen_ops.watch.stats import WatchStats

site, post = test_guard_watchdog.site, test_guard_watchdog.post
inv = test_tasks.inv

REFUSAL = "Error response from daemon: configured logging driver does not support reading"
# id2 has an unreadable log, id4 went away meanwhile; web has two containers, of which one can be read.
DOCKER = rf"""
for last; do :; done
case $1:$last in
  ps:*) printf '%s\x1f-\x1f%s\x1fFalse\n' id1 web id2 web id3 db id4 cron ;;
  logs:id1) echo "ERROR no room for job 17" ;;
  logs:id2) echo "{REFUSAL}" >&2; exit 1 ;;
  logs:id3) ;;
  logs:*) echo "Error: No such container: id4" >&2; exit 1 ;;
  inspect:id4) echo "Error: No such object: id4" >&2; exit 1 ;;
  inspect:*) echo splunk ;;
esac"""


def digest(folder: Path, docker: str = DOCKER) -> logs.Digest:
    programs = path(program(folder / "bin", "docker", docker).parent)
    said = bash(logs.since_deploy(Docker(), Paths(str(folder)), "p", 600), folder, PATH=programs)
    assert said.ok, said.stderr
    return logs.parse(said.stdout, Logs())


def test_a_refusal_is_no_line_and_the_driver_is_named(tmp_path: Path) -> None:
    found = digest(tmp_path)
    assert [(group.service, group.count, group.example) for group in found.groups] == [
        ("web", 1, "ERROR no room for job 17")
    ]
    assert found.unread == (("web", "splunk"),)


@pytest.mark.parametrize(
    ("groups", "fail", "verdict"),
    [(0, "new", CheckVerdict.UNKNOWN), (1, "new", CheckVerdict.FAILED), (0, "never", CheckVerdict.PASSED)],
)
def test_what_cannot_be_read_does_not_pass_and_hides_no_error(
    tmp_path: Path, groups: int, fail: str, verdict: CheckVerdict
) -> None:
    found = digest(tmp_path)
    judged = logs.finding(replace(found, groups=found.groups[:groups]), Logs.model_validate({"fail": fail}))
    assert judged.verdict is verdict
    assert judged.text.startswith("the logs of web (logging driver splunk) cannot be read; in the others")


def test_an_engine_that_goes_away_in_the_middle_leaves_the_logs_unknown(tmp_path: Path) -> None:
    gone = DOCKER.replace("inspect:*) echo splunk", "inspect:*) echo Cannot connect >&2; exit 1")
    assert digest(tmp_path, gone).unread == (("web", ""),)


def test_what_could_not_be_kept_makes_nothing_new(tmp_path: Path) -> None:
    paths = releases(tmp_path, "r1", "r2")
    programs = path(program(tmp_path / "bin", "docker", DOCKER).parent)
    assert bash(logs.keep(Docker(), paths, "p", ReleaseId("r1")), tmp_path, PATH=programs).ok
    kept = (tmp_path / ".schedgen/releases/r1/log-patterns").read_text()
    assert kept == "\tweb\nweb\tERROR no room for job #\n"
    later = DOCKER.replace("no room for job 17", "out of luck").replace("logs:id3)", "logs:id3) echo ERROR b")
    found = digest(tmp_path, later)
    assert {(group.service, group.new) for group in found.groups} == {("web", None), ("db", True)}


def test_the_task_shows_who_cannot_be_read_and_ends_with_6(inv: Inv, capsys: Capture) -> None:
    said = "since\t1\t60\nunread\tweb\tnone\n"
    assert inv("verify.logs", "--json", on=[FakeHost(answers={"docker logs": said})]) == 6
    document = json.loads(capsys.readouterr().out)
    (row,) = document["result"]
    assert (row["service"], row["level"], row["lines"]) == ("web", "unknown", None)
    assert row["example"] == "cannot be read: logging driver none"
    assert "1 of them unknown" in document["error"]["message"]


def sampled(folder: Path) -> HostSample:
    rows = [(name, "/web", "web", "-", "running", "-", "0", "false", "2025", "-") for name in ("id1", "id2")]
    (folder / "rows").write_text("\n".join(map("\t".join, rows)) + "\n")
    both = DOCKER.replace(
        "inspect:*) echo splunk", f"inspect:*) case $3 in *Name*) cat {folder}/rows ;; *) echo none ;; esac"
    )
    programs = path(program(folder / "bin", "docker", both).parent)
    command = sampler.Sampling(Docker(), "p", (), rounds=1, interval=1, patience=5).command
    reader, lines = Reader(0), bash(command, folder, PATH=programs).stdout.splitlines()
    return next(sample for sample in map(reader.feed, lines) if sample)


def test_a_watch_says_which_logs_it_could_not_read(tmp_path: Path) -> None:
    sample = sampled(tmp_path)
    assert sample.logs is not None
    assert [group.example for group in sample.logs] == ["ERROR no room for job 17"]
    assert sample.unread == (("web", "none"),)
    conf = settings()
    stats = WatchStats((), (), conf.limits, (), RoundStats(10, 10))
    stats.add(replace(sample, logs=()))
    assert "the logs of web (logging driver none) cannot be read" in stats.warnings()


def test_what_crashed_without_a_log_says_so() -> None:
    host = FakeHost(
        answers={
            "wait for the containers to settle": "schedgen-web-1 3",
            "docker logs --tail 200 schedgen-web-1": result(stderr=REFUSAL, code=1),
            "{ docker logs --tail 200 schedgen-web-1; } 2>&1": result(REFUSAL, code=1),
            "docker inspect --format '{{.HostConfig.LogConfig.Type}}' schedgen-web-1": "none\n",
        }
    )
    box = type("Box", (), {"id": "x", "job": False})()
    with pytest.raises(OpsError) as caught:
        run.settled(context(host, settings()), [box])
    assert caught.value.detail == "its log cannot be read (logging driver none)"


WATCHDOG = f"""
case $1 in
  ps) echo id1 ;;
  inspect) [[ $3 == *LogConfig* ]] && echo 'web none' ||
    echo 'id1 /web-1 web r2 running - 0 false 2025 10.0.0.1,' | tr ' ' '\t' ;;
  logs) [[ $2 == --follow || -e "$HOME/refuses" ]] || exit 0; echo "{REFUSAL}" >&2; exit 1 ;;
esac"""


@pytest.mark.parametrize("refuses", [True, False], ids=["at once", "in the middle"])
def test_the_guard_takes_a_log_that_it_cannot_read_for_unknown(post: Post, refuses: bool) -> None:
    home = post.state.parent
    program(home / "bin", "docker", WATCHDOG)
    if refuses:
        (home / "refuses").touch()
    policy = replace(post.config.policy, log_errors=0, min_requests=0)
    post.start(services=("web",), policy=policy, stages=(replace(post.config.stages[0], seconds=1),))
    watch = post.follow()
    assert (watch.outcome, watch.reason[:4]) == ("kept", "kept")
    assert [sample.log_errors for sample in watch.samples] == [None] * len(watch.samples)
    assert ("The log of web cannot be read (logging driver none)" in post.said) is refuses


def test_a_service_that_does_not_come_up_says_that_its_log_cannot_be_read(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    docker = engine.bin / "docker"
    docker.write_text(
        docker.read_text().replace('logs) echo "out of luck"', f'logs) echo "{REFUSAL}"; exit 1')
    )
    engine.say(health_worker="unhealthy")
    answer = test_rollout_scripts.beside(engine)
    assert not answer.ok
    assert "say worker | its log cannot be read (logging driver" in answer.stdout
    assert REFUSAL not in answer.stdout
