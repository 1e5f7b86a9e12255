"""The sampler's script and the reader of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, path, program, quickly

from schedgen_ops import host_scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import library
from schedgen_ops.settings import Check
from schedgen_ops.shell import script, sh
from schedgen_ops.watch import sampler
from schedgen_ops.watch.host_sample import HostSample, Reader, size

CHECKS = [Check(name="a", url="http://localhost/a"), Check(name="b", url="http://localhost/bad")]
ID = "8b73b88683d8"
BOX = (
    f"{ID}\t/schedgen-backend-1\tbackend\t-\trunning\thealthy\t2\tfalse\t2026-11-25T22:39:13.3Z\t172.18.0.2,"
)
ROUND = (
    "cpu\t100\t200",
    "round\t1\t1000000",
    "cpu\t150\t300",
    "memory\t1000\t250",
    "http\t0\t200 0.010 ",
    "http\t1\t000 0.2 refused by nobody",
    "containers",
    f"container\t{BOX}",
    f"usage\t{ID}\t1048576\tmax\t500000",
    "looked",
    "log\tbackend\t3\tERROR #\tERROR 7",
    "extra\tproxy\tbackend,12\t0",
    "end\t1\t250000",
)


def read(*lines: str, urls: int = 2) -> list[HostSample]:
    reader = Reader(urls)
    return [sample for sample in map(reader.feed, lines) if sample]


def test_a_round_is_read_whole() -> None:
    (sample,) = read(*ROUND)
    assert (sample.number, sample.at, sample.seconds) == (1, 1.0, 0.25)
    assert [answer and answer.status for answer in sample.answers] == [200, 0]
    assert sample.answers[1]
    assert sample.answers[1].error == "refused by nobody"
    assert (sample.cpu_percent, sample.memory_percent) == (50, 75)
    assert sample.containers is not None
    (container,) = sample.containers
    assert (container.name, container.service, container.release, container.good) == (
        "schedgen-backend-1",
        "backend",
        "",
        True,
    )
    assert (container.restarts, container.oom_killed, container.memory, container.memory_limit) == (
        2,
        False,
        1048576,
        None,
    )
    assert container.cpu_percent is None  # known from the second round on
    assert sample.logs
    assert (sample.logs[0].count, sample.logs[0].example) == (3, "ERROR 7")
    assert sample.extra == {"proxy": ("backend,12\t0",)}


def test_cpu_is_what_was_used_since_the_round_before() -> None:
    second = (
        "round\t2\t3000000",
        "containers",
        f"container\t{BOX}",
        f"usage\t{ID}\t9\t20\t1500000",
        "end\t2\t1",
    )
    _, sample = read(*ROUND, *second)
    assert sample.containers
    assert sample.containers[0].cpu_percent == pytest.approx(50)
    assert (sample.containers[0].memory, sample.containers[0].memory_limit) == (9, 20)


def test_what_the_engine_tells_counts_where_no_cgroup_was_found() -> None:
    stats = f"stats\t{ID}\t1.5%\t12.5MiB / 384MiB"
    (sample,) = read("round\t1\t1", "containers", f"container\t{BOX}", stats, "end\t1\t1")
    assert sample.containers
    assert sample.containers[0].cpu_percent == 1.5
    assert (sample.containers[0].memory, sample.containers[0].memory_limit) == (13107200, 402653184)


def test_what_is_missing_is_unknown_and_not_zero() -> None:
    (sample,) = read("round\t1\t1", "end\t1\t1")
    assert sample.answers == (None, None)
    assert (sample.containers, sample.cpu_percent, sample.memory_percent, sample.logs) == (None,) * 4


@quickly
@given(
    st.lists(st.sampled_from([*ROUND, "", "http", "http\t9\tx", "end\t7\t1", "container\tx", "cpu\ta\tb"]))
)
def test_torn_lines_never_break_the_reader(lines: list[str]) -> None:
    for sample in read(*lines):
        assert len(sample.answers) == 2


@pytest.mark.parametrize(
    ("text", "count"), [("0B", 0), ("1kB", 1000), (" 1.5GiB ", 1610612736), ("7 MB", 7000000)]
)
def test_sizes_are_read_as_docker_writes_them(text: str, count: int) -> None:
    assert size(text) == count


def test_what_is_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="not a size"):
        size("--")


# The scripts, on this machine

LINE = (ID, "/schedgen-backend-1", "backend", "r1", "running", "healthy", "0", "false", "2026", "172.18.0.2,")
LOG = "2026-11-25T22:39:13Z ERROR job 12 failed id=8b73b886-83d8-4d24-8085-042358497d57"
DOCKER = rf"""
case $1 in
  ps) echo {ID} ;;
  inspect) printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' {" ".join(LINE)} ;;
  stats) printf '%s\t%s\t%s\n' {ID} 3.00% '10MiB / 20MiB' ;;
  logs) echo fine; echo "{LOG}"; echo "{LOG.replace("12", "99")}" >&2 ;;
esac"""
CURL = """
case ${*: -1} in
  *bad) echo refused >&2; printf '\\n000 0.2' ;;
  *) printf '\\n200 0.1' ;;
esac"""


def test_a_host_is_sampled_round_by_round(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", DOCKER)
    program(tmp_path / "bin", "curl", CURL)
    programs = program(tmp_path / "bin", "sleep", f'echo "$1" >> "{tmp_path}/slept"').parent
    command = sampler.Sampling(
        Docker(),
        "schedgen",
        CHECKS,
        rounds=4,
        interval=60,
        patience=5,
        log_rounds=2,
        extra={"words": sh("echo", "two words")},
    ).command
    answer = bash(command, tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    samples = read(*answer.stdout.splitlines())
    assert [sample.number for sample in samples] == [1, 2, 3, 4]
    for sample in samples:
        assert [found and found.status for found in sample.answers] == [200, 0]
        assert sample.containers
        assert (sample.containers[0].release, sample.containers[0].memory) == ("r1", 10485760)
        assert sample.memory_percent
        assert 0 < sample.memory_percent < 100
        assert sample.extra == {"words": ("two words",)}
    assert [sample.logs is not None for sample in samples] == [False, True, False, True]
    assert samples[1].logs
    assert (samples[1].logs[0].service, samples[1].logs[0].count) == ("backend", 2)
    assert samples[1].logs[0].pattern == "# ERROR job # failed id=#"
    # Only between rounds, and each pause ends when its round does, however long the round took.
    pauses = [float(pause) for pause in (tmp_path / "slept").read_text().split()]
    assert len(pauses) == 3
    assert 50 < pauses[0] <= 60 < pauses[1] <= 120 < pauses[2] <= 180


# The clock stands still but for the pauses. In the first pause or round it is set back by an hour, in the
# third forward by two.
CLOCK = r"""
unset EPOCHREALTIME
clock=10000 steps=(0 -3600 0 7200 0 0)
move() { clock=$((clock + $1)) EPOCHREALTIME=$clock.000000; }
move 0
sleep() { echo "$1" >> slept && move "${1%.*}"; [ "$when" != pause ] || move "${steps[++times]}"; }
wait() { builtin wait "$@"; [ "$when" != round ] || move "${steps[++times]}"; }
"""


@pytest.mark.parametrize(("when", "numbers"), [("pause", [1, 2, 3, 4, 124]), ("round", [1, 2, 3, 123, 124])])
def test_a_clock_that_was_set_delays_no_round_and_shows_what_it_left_out(
    tmp_path: Path, when: str, numbers: list[int]
) -> None:
    engine = f"""
case $1 in ps) echo {ID} ;; logs | events) echo "$3 $5" >> {tmp_path}/windows ;; *) echo x ;; esac"""
    program(tmp_path / "bin", "curl", CURL)
    programs = program(tmp_path / "bin", "docker", engine).parent
    sampling = sampler.Sampling(Docker(), "schedgen", CHECKS, rounds=124, interval=60, patience=5)
    text = host_scripts.program("watch/sample", **sampling.values)
    answer = bash(script(f"when={when}\n{CLOCK}{text}"), tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    samples = read(*answer.stdout.splitlines())
    assert [sample.number for sample in samples] == numbers
    assert all(0 < float(pause) <= 60 for pause in (tmp_path / "slept").read_text().split())
    # No part of a log is asked for that ends before it begins.
    windows = [line.split() for line in (tmp_path / "windows").read_text().splitlines()]
    assert windows
    assert all(float(since) <= float(until) for since, until in windows)


@pytest.mark.parametrize("engine", ["exit 1", f'[ "$1" = ps ] && echo {ID}'])
def test_an_engine_that_does_not_answer_leaves_the_containers_unknown(tmp_path: Path, engine: str) -> None:
    program(tmp_path / "bin", "curl", CURL)
    programs = program(tmp_path / "bin", "docker", engine).parent
    command = sampler.Sampling(Docker(), "schedgen", CHECKS, rounds=1, interval=1, patience=5).command
    (sample,) = read(*bash(command, tmp_path, PATH=path(programs)).stdout.splitlines())
    assert sample.containers is None
    assert sample.answers[0] is not None


V2 = {
    "memory.current": "1000",
    "memory.max": "5000",
    "memory.stat": "anon 1\ninactive_file 300",
    "cpu.stat": "usage_usec 77\nuser_usec 1",
}
V1 = {
    "memory/docker/ID/memory.usage_in_bytes": "1000",
    "memory/docker/ID/memory.limit_in_bytes": "9223372036854771712",
    "memory/docker/ID/memory.stat": "cache 1\ntotal_inactive_file 300",
    "cpu,cpuacct/docker/ID/cpuacct.usage": "77000",
}


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({f"system.slice/docker-ID.scope/{name}": text for name, text in V2.items()}, "5000"),
        ({f"docker/ID/{name}": text for name, text in V2.items()}, "5000"),
        (V1, "9223372036854771712"),
    ],
)
def test_use_is_read_from_either_kind_of_cgroup(tmp_path: Path, files: dict[str, str], limit: str) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    answer = bash(script(library("usage") + "cgroups=$1; usage ID", str(tmp_path)), tmp_path)
    assert answer.stdout == f"usage\tID\t700\t{limit}\t77\n"


def test_a_container_without_a_cgroup_is_said_to_have_none(tmp_path: Path) -> None:
    answer = bash(script(library("usage") + "cgroups=$1; usage ID", str(tmp_path)), tmp_path)
    assert (answer.ok, answer.stdout, answer.stderr) == (False, "", "")
