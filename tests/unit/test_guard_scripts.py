"""What the guard runs on a host: sound bash, and awk that reads what HAProxy and services say."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from kit import bash, parses, settings

from schedgen_ops import host_scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.guard import plan, remote_commands
from schedgen_ops.guard.plan import AgentConfig, Stage
from schedgen_ops.host_scripts import library
from schedgen_ops.lock import remote_commands as lock
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.shell import assignment, script
from schedgen_ops.watch import release_sample as samples
from schedgen_ops.watch.policy import GuardPolicy

TRAFFIC = host_scripts.text("proxies/haproxy/traffic.awk")
OWNER = Owner("ann", "laptop", "2025-01-15T12:00:00Z", "guard", "v1.2.4")
CONFIG = AgentConfig(
    project="p",
    docker=Docker().words,
    release_id=ReleaseId("r2"),
    alone=True,
    interval=1,
    insufficient_traffic="accept",
    traffic_timeout=60,
    stages=(Stage(10, 60), Stage(100, 600)),
    policy=GuardPolicy(),
    services=("backend",),
    proxy="haproxy",
    proxies=("backend_3001",),
    targets=("5 backend_3001 2,3 http://localhost:3001/health",),
    metrics="5 backend_3001 2,3 http://localhost:3001/metrics",
    requests_metric="http_requests_total",
    latency_metric="http_request_duration_seconds",
    prometheus="",
    own_paths=("/", "/health"),
    back=("true", "-", "true"),
    cut=(),
    keep=(),
    records=("{}", "{}", "{}"),
)


def awk(program: str, text: str, **variables: str) -> list[str]:
    words = [
        "awk",
        *(word for name, value in variables.items() for word in ("-v", f"{name}={value}")),
        program,
    ]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


# What the ingress says

HEADER = "# pxname,svname,eresp,status,sid,type,addr,"
REPLY = f"""\
# table: backend_3001, type: integer, size:64, used:2
0x562ca47e26d8: key=1 use=0 exp=0 gpc0=120 gpc1=15
0x7f6634042be8: key=2 use=0 exp=0 gpc0=3 gpc1=0

# table: web_80, type: integer, size:64, used:0

{HEADER}
backend_3001,FRONTEND,,OPEN,0,0,,
backend_3001,s1,2,UP,1,2,10.0.0.5:3001,
backend_3001,s2,0,UP,2,2,10.0.0.4:3001,
backend_3001,s3,0,MAINT (resolution),3,2,,
backend_3001,s4,0,UP,4,2,10.0.0.9:3001,
web_80,s1,0,UP,1,2,10.0.0.5:80,
web_80,s2,0,UP,2,2,[fd00:77::5]:80,
other_81,s1,0,UP,1,2,10.0.0.5:81,
"""


def test_each_server_of_ours_has_its_visitors_and_the_answers_that_never_came() -> None:
    said = awk(
        TRAFFIC,
        REPLY,
        proxies=" backend_3001 web_80 ",
        fresh=" 10.0.0.5 fd00:77::5 ",
        old=" 10.0.0.4  ",
    )
    assert said == [
        "h n backend_3001/s1@10.0.0.5:3001 122 17",
        "a backend_3001 10.0.0.5:3001",
        "h o backend_3001/s2@10.0.0.4:3001 3 0",
        "h n web_80/s1@10.0.0.5:80 0 0",
        "a web_80 10.0.0.5:80",
        "h n web_80/s2@[fd00:77::5]:80 0 0",
        "a web_80 [fd00:77::5]:80",
    ]


def test_an_ingress_that_does_not_answer_has_counted_nothing_and_not_zero() -> None:
    assert awk(TRAFFIC, "", proxies=" web_80 ", fresh=" 10.0.0.5 ", old="") == []
    assert deltas("p h n web_80/s1@a 5 0\n") == ["- - - - - - - - - - -"]


# What services say

METRICS = """\
# HELP http_requests_total HTTP requests answered.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/health",status="200"} 9000
http_requests_total{method="GET",route="/api/jobs/{id}",status="200"} 70
http_requests_total{method="GET",route="/api/version",code="500"} 10 1700000000000
http_requests_total_other{route="/api/version"} 7
http_request_duration_seconds_bucket{route="/health",le="0.1"} 9000
http_request_duration_seconds_bucket{route="/api/version",le="0.1"} 60
http_request_duration_seconds_bucket{route="/api/version",le="+Inf"} 80
"""


def test_what_we_ask_ourselves_is_not_counted_among_a_services_requests() -> None:
    said = awk(
        host_scripts.text("watch/counters.awk"),
        METRICS,
        side="n",
        key="a:1",
        paths="/ /health",
        requests="http_requests_total",
        latency="http_request_duration_seconds",
    )
    assert sorted(said) == ["b n a:1|+Inf 80", "b n a:1|0.1 60", "m n a:1 80 10"]


# Both, a while ago and now


def deltas(text: str, **variables: str) -> list[str]:
    known = {"least": "7", "base": "-", "percent": "-"} | variables
    return awk(host_scripts.text("watch/deltas.awk"), text, **known)


def test_a_sample_has_what_came_since_the_last_one() -> None:
    text = """\
p h n b_1/s1@x 100 10
p h o b_1/s2@y 5 0
p m n x 50 5
c h n b_1/s1@x 140 15
c h o b_1/s2@y 6 1
c m n x 80 6
"""
    assert deltas(text) == ["40 5 1 1 30 1 - - - - -", "b_1 40 5 1 1"]


def test_a_counter_that_began_anew_is_a_gap() -> None:
    assert deltas("p m n x 50 5\nc m n x 3 0\n") == ["- - - - - - - - - - -"]
    assert deltas("c m n x 3 0\n") == ["- - - - - - - - - - -"]


def buckets(mark: str, side: str, *counts: int) -> str:
    edges = ("0.1", "0.5", "2.5", "+Inf")
    return "".join(f"{mark} b {side} k|{edge} {count}\n" for edge, count in zip(edges, counts, strict=True))


def test_the_latency_of_a_window_is_found_within_its_bucket() -> None:
    text = buckets("q", "n", 0, 0, 0, 0) + buckets("c", "n", 0, 50, 100, 100)
    (line,) = deltas(text, base="0.025000")
    # The 95th of a hundred is nine tenths into the bucket from 0.5 to 2.5 s.
    assert line.split()[9:] == ["2.300000", "0.025000"]
    few = buckets("q", "n", 0, 0, 0, 0) + buckets("c", "n", 0, 3, 6, 6)
    assert deltas(few)[0].split()[9:] == ["-", "-"]


def test_the_release_before_is_known_by_its_whole_life_until_it_is_asked_enough() -> None:
    assert deltas(buckets("c", "o", 95, 100, 100, 100), lifetime="1") == ["0.100000"]
    text = buckets("q", "o", 10, 10, 10, 10) + buckets("c", "o", 10, 30, 30, 30)
    assert deltas(text, base="0.1")[0].split()[10] == "0.480000"


def test_the_columns_are_those_of_a_sample() -> None:
    (line,) = deltas("p m n x 50 5\nc m n x 80 6\n", percent="1.5")
    sample = samples.parse(f"10.5 0 {line} 0 - -")
    assert (sample.counted, sample.count_errors, sample.percent) == (30, 1, 1.5)


# What containers use


def used(tmp_path: Path, *containers: str) -> str:
    """What `memory` says of these, with cgroups and a list of `docker stats` of the test's making."""
    parts = (library("usage"), assignment("memory_awk", host_scripts.text("watch/memory.awk")))
    values = {"cgroups": f"{tmp_path}/cgroups", "dir": str(tmp_path), "fresh": containers}
    text = "".join((*parts, host_scripts.program("watch/look"), *map(assignment, values, values.values())))
    answer = bash(script(f"{text}memory; measured && printf ' measured'; true"), tmp_path)
    assert answer.stderr == ""
    return answer.stdout


def cgroup(tmp_path: Path, container: str, memory: int) -> None:
    folder = tmp_path / f"cgroups/docker/{container}"
    folder.mkdir(parents=True)
    files = {"memory.current": memory + 5, "memory.max": "max", "memory.stat": "inactive_file 5"}
    for name, text in (files | {"cpu.stat": "usage_usec 7"}).items():
        (folder / name).write_text(f"{text}\n")


def test_memory_is_that_of_all_new_containers_and_unknown_without_one_of_them(tmp_path: Path) -> None:
    cgroup(tmp_path, "a", 1000)
    cgroup(tmp_path, "b", 3 << 31)
    assert used(tmp_path, "a", "b") == f"{1000 + (3 << 31)} measured"
    assert used(tmp_path, "a", "c") == "-"


def test_where_there_is_no_cgroup_the_engine_tells(tmp_path: Path) -> None:
    (tmp_path / "stats").write_text("old 9GiB / 9GiB\n\x1b[2J\x1b[Ha 1.5MiB / 2GiB\n\x1b[Kb 10kB / 2GiB\n")
    assert used(tmp_path, "a", "b") == str(1572864 + 10000)
    assert used(tmp_path, "a", "b", "c") == "-"


# The watchdog and what goes with it


def test_the_watchdog_is_sound_bash_and_values_are_no_part_of_it(tmp_path: Path) -> None:
    evil = "it's; $(touch evil) `touch evil`"
    command = remote_commands.start(f"{tmp_path}/{evil}", OWNER, CONFIG)
    assert parses(command.text) == ""
    assert isinstance(command.stdin, str)
    assert parses(command.stdin) == ""
    assert assignment("state", f"{tmp_path}/{evil}") in command.stdin
    assert dict(command.values)["records"] == CONFIG.records


@pytest.mark.parametrize("command", [remote_commands.follow, remote_commands.status])
def test_without_a_guard_there_is_nothing_to_follow_or_to_see(command: object, tmp_path: Path) -> None:
    assert bash(command(str(tmp_path)), tmp_path).stdout == ""  # type: ignore[operator]
    assert bash(remote_commands.signal(str(tmp_path), "keep"), tmp_path).ok
    assert bash(remote_commands.await_end(str(tmp_path), 1), tmp_path).ok


def test_a_lock_is_refused_while_a_guard_watches_and_a_dead_one_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "guard"
    folder.mkdir()
    owner = {"pid": 1, "user": "ann", "machine": "laptop", "command": "guard", "release": "v1.2.4"}
    (folder / "owner.json").write_text(json.dumps(owner))
    take = lock.hold(str(tmp_path), OWNER, 1)
    with subprocess.Popen(["flock", str(folder / "lock"), "sleep", "60"]) as holder:
        try:
            subprocess.run(["bash", "-c", f"until ! flock -n {folder}/lock true; do :; done"], check=True)
            answer = lock.parse(bash(take, tmp_path).stdout)
            assert answer.state == "held"
            assert str(answer.owner) == "ann@laptop, guard v1.2.4"
            assert lock.parse(bash(lock.who(str(tmp_path)), tmp_path).stdout).owner == answer.owner
            assert bash(remote_commands.status(str(tmp_path)), tmp_path).stdout.startswith("alive\n")
        finally:
            subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
            holder.kill()
    # A process that was told to die may hold its lock a moment longer.
    subprocess.run(["flock", str(folder / "lock"), "true"], check=True)
    assert bash(remote_commands.status(str(tmp_path)), tmp_path).stdout.startswith("dead\n")
    assert lock.parse(bash(take, tmp_path).stdout).state == "acquired"
    assert not folder.exists()


# What it is told


def test_limits_come_from_the_configuration() -> None:
    made = settings(
        limits={"error_percent": 5, "consecutive_failures": 2}, guard={"restarts": None, "leak": 0}
    )
    policy = plan.policy(made)
    assert (policy.error_percent, policy.consecutive, policy.restarts, policy.leak) == (5, 2, -1, 0)
    assert policy.log_errors == -1


def test_shares_come_before_the_whole_where_there_is_an_ingress() -> None:
    made = settings(guard={"canary": [10, 50], "pause": 30}, watch={"duration": 300})
    assert plan.stages(made) == (Stage(10, 30), Stage(50, 30), Stage(100, 300))
    assert plan.stages(made, behind=False) == (Stage(100, 300),)
