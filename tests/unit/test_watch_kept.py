"""What a host keeps of a detached watch: how it judges and thins rounds, and how they are read again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some
from kit import in_a_shell
from test_guard_judge import AWKS

from schedgen_ops.host_scripts import text
from schedgen_ops.settings import Check, Limits
from schedgen_ops.watch import detached
from schedgen_ops.watch.host_sample import Reader
from schedgen_ops.watch.kept import Kept, read
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.stats import WatchStats

# The judge


State = tuple[str, str, str, str, str]
"""Release, status, health, exit code and jobs of a container."""


def boxes(states: Sequence[State]) -> str:
    return "".join(
        f"container\ti{n}\t/s{n}\ts{n}\t{r}\t{s}\t{h}\t0\tfalse\t2025\t-,\t{code}\t{jobs}\n"
        for n, (r, s, h, code, jobs) in enumerate(states)
    )


@pytest.mark.parametrize("awk", AWKS)
@given(
    answers=some.lists(
        some.one_of(
            some.none(),
            some.tuples(some.sampled_from((0, 200, 302, 404, 500)), some.sampled_from((0.1, 0.9, 1.1))),
        ),
        min_size=1,
        max_size=3,
    ),
    wanted=some.sampled_from((None, 404)),
    states=some.one_of(
        some.none(),
        some.lists(
            some.tuples(
                some.sampled_from(("-", "r1")),
                some.sampled_from(("running", "running", "exited")),
                some.sampled_from(("-", "healthy", "starting")),
                some.sampled_from(("0", "0", "3")),
                some.sampled_from(
                    (
                        ",",
                        "s1:service_completed_successfully,",
                        ",s2:service_healthy:false,s0:service_started",
                    )
                ),
            ),
            max_size=3,
        ),
    ),
)
@in_a_shell
def test_the_host_judges_a_round_as_the_report_does(
    awk: str,
    answers: list[tuple[int, float] | None],
    wanted: int | None,
    states: list[State] | None,
) -> None:
    checks = tuple(Check(name=f"c{n}", url=f"http://h/{n}", status=wanted) for n, _ in enumerate(answers))
    lines = "".join(f"http\t{n}\t{a[0]} {a[1]} \n" for n, a in enumerate(answers) if a)
    lines += "" if states is None else "containers\n" + boxes(states)
    stats = WatchStats(checks, ("s0", "s1"), Limits(), (), RoundStats(100, 1))
    reader = Reader(len(checks))
    found = [
        sample for line in f"round\t1\t1\n{lines}end\t1\t1".splitlines() if (sample := reader.feed(line))
    ]
    stats.add(found[0])
    rounds = stats.rounds
    expected = "failed" if rounds.failures else "good" if rounds.checks else "unknown"
    words = [*awk.split(), "-F", "\t", "-v", f"within={' '.join(['1'] * len(checks))}"]
    words += ["-v", f"wanted={' '.join([str(wanted or '-')] * len(checks))}", "-v", "services=s0 s1"]
    done = subprocess.run(
        [*words, text("watch/round.awk")], input=lines, text=True, capture_output=True, check=True
    )
    assert done.stdout.strip() == expected, lines


# Bounds


def rounds_of(classes: Sequence[str], first: int = 1) -> str:
    """Rounds as the host keeps them, each with a line of a log."""
    said = {"good": "http\t0\t200 0.1 ", "failed": "http\t0\t500 0.1 ", "unknown": "x"}
    return "".join(
        f"round\t{n}\t{n}000000\n{said[kind]}\ncontainers\nlooked\nlog\tweb\t2\tERROR #\tERROR {n}\n"
        f"judged\t{kind}\nend\t{n}\t9\n"
        for n, kind in enumerate(classes, first)
    )


def seen(samples: str) -> tuple[RoundStats, dict[str, int]]:
    stats = WatchStats((Check(name="c", url="http://h/"),), (), Limits(), (), RoundStats(10_000, 1))
    kept = Kept(_stats=stats, _reader=Reader(1))
    for line in samples.splitlines():
        kept.feed(line)
    rounds = stats.rounds
    return RoundStats(
        0, 1, rounds.checks, rounds.failures, rounds.unknown, rounds.seen, rounds.consecutive, rounds.worst
    ), {group.service: group.count for group in stats.log.values()}


@pytest.mark.parametrize("awk", AWKS)
@given(
    classes=some.lists(
        some.sampled_from(("good", "good", "good", "failed", "unknown")), min_size=1, max_size=30
    )
)
@in_a_shell
def test_thinning_keeps_every_count_and_every_row(awk: str, classes: list[str]) -> None:
    samples = rounds_of(classes)
    before = seen(samples)
    # Again and again, and with rounds that came in between.
    for again in range(4):
        words = [*awk.split(), "-v", f"all={again % 2}", text("watch/thin.awk")]
        done = subprocess.run(words, input=samples, text=True, capture_output=True, check=True)
        assert len(done.stdout) <= len(samples) + 40
        samples = done.stdout
        assert seen(samples) == before
    more = rounds_of(["failed", "good"], len(classes) + 1)
    assert seen(samples + more) == seen(rounds_of([*classes, "failed", "good"]))


def test_a_torn_round_is_passed_over_and_a_head_that_cannot_be_read_is_an_error() -> None:
    good = rounds_of(["good"])
    assert (
        seen(good + "round\t2\t20000\nhttp\t0\t500 0.1 \nhalf a li" + "\ncounted\t2\tunknown\t1\n")[0].unknown
        == 1
    )
    for text_ in ("owner {", 'owner {"spec": 5}', "now x", "samples"):
        with pytest.raises(ValueError, match=r"."):
            read(text_)
    assert detached.whose("torn") == "Somebody"
    assert read("").standing() == ""


def test_a_watch_whose_end_was_passed_over_has_not_seen_it() -> None:
    spec = {"checks": [{"name": "c", "url": "http://h/"}], "services": [], "limits": {}, "ignore": []}
    owner = {"began": 0, "boot": "b", "spec": {**spec, "adopts": False, "duration": 600, "interval": 10}}
    head = f"over\nnow 600\nboot b\nowner {json.dumps(owner)}\nfigures 6 0 0 0 0 6\nended done\n"
    kept = read(f"{head}samples\n{rounds_of(['good'] * 6)}")
    assert kept.standing() == "over after 10 min, 0 of 6 rounds failed, 54 unknown"
    assert kept.conclude() == ""
    assert kept.stats.unknown() == "54 of 60 rounds are unknown"
