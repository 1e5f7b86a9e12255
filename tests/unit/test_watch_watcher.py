"""A watch from here: lost connections, the stats of what was seen, what is shown and drawn of it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock, FakeHost, context
from hypothesis import given
from hypothesis import strategies as st
from kit import minimal, quickly, settings
from rich.text import Text

from schedgen_ops.cli.watch_report import report, verdict
from schedgen_ops.commands.http import HttpAnswer
from schedgen_ops.errors import CommandTimedOut, ConnectionLost, OpsError, Unreachable
from schedgen_ops.events import Curve, Panel
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.ui import panels
from schedgen_ops.ui.chart import ChartLine, chart
from schedgen_ops.ui.report import write
from schedgen_ops.watch.host_sample import ContainerSample, HostSample, LogGroup
from schedgen_ops.watch.panel import panel
from schedgen_ops.watch.stats import WatchStats
from schedgen_ops.watch.watcher import Watcher, begin

ONE = settings("app1", checks=[{"name": "web", "url": "http://localhost/"}])


def container(
    service: str, *, restarts: int = 0, memory: int = 100, started: str = "2025", oom: str = "false"
) -> str:
    word = (
        f"container\t{service}\t/s-{service}-1\t{service}\t-\trunning\t-\t{restarts}\t{oom}\t{started}\t-\n"
    )
    return f"{word}usage\t{service}\t{memory}\t1000000000\t5\n"


CONTAINERS = "".join(container(name) for name in ONE.services)


def rounds(
    first: int, last: int, at: int = 0, status: int = 200, containers: str = CONTAINERS, more: str = ""
) -> str:
    return "".join(
        f"round\t{n}\t{(at + n * 10) * 1000000}\nhttp\t0\t{status} 0.1 \n"
        f"containers\n{containers}{more}end\t{n}\t9\n"
        for n in range(first, last + 1)
    )


Part = tuple[str, float, BaseException | None]


def then(**values: Any) -> str:
    return rounds(1, 1) + rounds(2, 2, containers=CONTAINERS + container("redis", **values))


class Dropping(FakeHost):
    """A host whose connection drops: each part is what it says before it does."""

    def __init__(self, clock: FakeClock, *parts: Part) -> None:
        super().__init__()
        self.clock = clock
        self.parts = list(parts)
        self.asked: list[str] = []

    def run(self, command: Command, *, deadline: float, check: bool = True, limit: int = 0) -> Result:
        """Where the next part says nothing, it is what becomes of connecting again."""
        said, seconds, error = self.parts[0]
        if not said:
            self.parts.pop(0)
            self.clock.advance(seconds)
            if error:
                raise error
        return Result("", "", 0, seconds)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        said, seconds, error = self.parts.pop(0)
        self.asked.append(command.text)
        for line in said.splitlines():
            on_line(line)
        self.clock.advance(seconds)
        if error:
            raise error
        return Result("", "", 0, seconds)


def watch(seconds: int, *parts: Part, of: Settings = ONE) -> tuple[WatchStats, list[str]]:
    clock, told = FakeClock(), list[str]()
    host = Dropping(clock, *parts)
    seen = begin(context(host, of), seconds)
    Watcher(context(host, of, clock), seen, clock.sleep, told.append)()
    assert not host.parts
    return seen, told


LOST = ConnectionLost("gone")


def test_every_round_is_told_and_reckoned() -> None:
    seen, told = watch(30, (rounds(1, 3), 30, None))
    assert told == ["", "", ""]
    assert (seen.rounds.checks, seen.rounds.unknown, seen.rounds.elapsed) == (3, 0, 30)
    assert (seen.failures(), seen.unknown(), verdict(seen)) == ((), "", "passed")


def test_without_tiers_what_runs_at_first_has_to_run_on() -> None:
    plain = minimal(checks=[{"name": "web", "url": "http://localhost/"}])
    first, gone = container("web") + container("api"), container("web") + container("late")
    seen, _ = watch(30, (rounds(1, 3, containers=first), 30, None), of=plain)
    assert (verdict(seen), seen.failed) == ("passed", {})
    both = rounds(1, 1, containers=first) + rounds(2, 3, containers=gone)
    seen, _ = watch(30, (both, 30, None), of=plain)
    assert seen.failed == {"service api": 2}


def test_a_lost_connection_is_made_again_and_the_time_between_is_unknown() -> None:
    seen, told = watch(
        120,
        (rounds(1, 3), 32, LOST),
        ("", 40, Unreachable("no way")),
        (rounds(1, 3, at=80), 30, None),
    )
    assert seen.rounds.checks == 6
    assert seen.rounds.unknown == 5
    assert (seen.rounds.elapsed, seen.drops) == (120, 2)
    assert seen.rounds.failures == 0
    assert verdict(seen) == "passed"
    assert next(text for text in told if text) == "the connection was lost, trying again: gone"
    assert "5 of 11 rounds are unknown" in seen.warnings()
    assert any(value is None for _, value in [(point.at, point.mean) for point in seen.errors.points])
    assert 0 not in [point.mean for line in seen.latency.values() for point in line.points]


def test_what_connecting_again_takes_is_unknown_and_makes_no_watch_longer() -> None:
    seen, _ = watch(120, (rounds(1, 3), 32, LOST), ("", 43, None), (rounds(1, 4, at=80), 40, None))
    assert (seen.rounds.checks, seen.rounds.unknown, seen.rounds.seen, seen.drops) == (7, 5, 12, 1)
    seen, _ = watch(60, (rounds(1, 5), 52, LOST), ("", 43, None))
    assert (seen.rounds.checks, seen.rounds.unknown, seen.rounds.elapsed) == (5, 1, 60)


def test_a_host_that_is_not_there_at_all_is_an_error_at_once() -> None:
    with pytest.raises(Unreachable):
        watch(30, ("", 1, Unreachable("no way")))
    with pytest.raises(CommandTimedOut):
        watch(30, ("", 1, CommandTimedOut("late")))


def test_more_blind_than_seen_is_unknown() -> None:
    seen, _ = watch(100, (rounds(1, 1), 85, LOST), (rounds(1, 1, at=90), 10, None))
    assert verdict(seen) == "unknown"
    assert seen.unknown() == "8 of 10 rounds are unknown"


def test_rounds_that_nobody_made_are_unknown_and_those_of_a_slow_host_are_not() -> None:
    seen, _ = watch(600, (rounds(1, 3) + rounds(40, 42), 600, None))
    assert (seen.rounds.checks, seen.rounds.unknown, seen.rounds.seen) == (6, 36 + 18, 60)
    assert (verdict(seen), seen.unknown()) == ("unknown", "54 of 60 rounds are unknown")
    assert None in [point.mean for point in seen.errors.points]
    seen, _ = watch(260, (rounds(1, 3) + rounds(14, 14), 260, None))
    assert (seen.rounds.checks, seen.rounds.unknown, seen.rounds.seen) == (4, 0, 26)
    assert verdict(seen) == "passed"


def test_a_clock_that_was_set_back_moves_no_line_back() -> None:
    seen, _ = watch(60, (rounds(1, 3) + rounds(4, 6, at=-3600), 60, None))
    assert [point.at for point in seen.errors.points] == [0, 10, 20, 30, 40, 50]
    assert seen.rounds.unknown == 0


def test_nothing_to_ask_is_an_error() -> None:
    with pytest.raises(OpsError, match="no checks are configured"):
        begin(context(FakeHost(), settings("app1", checks=[])), 30)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (rounds(1, 3, status=500), "3 consecutive checks failed (limit 3)"),
        (then(restarts=2), "s-redis-1 was restarted 2 times"),
        (then(started="2026"), "s-redis-1 was restarted once"),
        (then(oom="true"), "s-redis-1 ran out of memory once"),
        (rounds(1, 2, more="oom\tredis\n"), "s-redis-1 ran out of memory 2 times"),
        (
            "".join(
                rounds(n, n, containers=CONTAINERS + container("redis", memory=n * 9_000_000))
                for n in range(1, 31)
            ),
            "s-redis-1 leaks memory: +3089.9 MiB/h (95 %: +3089.9 to +3089.9), "
            "reaches its limit in about 14 min",
        ),
    ],
)
def test_what_is_wrong_is_named(lines: str, reason: str) -> None:
    seen, _ = watch(300, (lines, 300, None))
    assert seen.failures() == (reason,)
    assert verdict(seen) == "failed"


def test_a_service_without_a_container_fails_a_round_and_a_silent_engine_does_not() -> None:
    seen, _ = watch(30, (rounds(1, 1, containers=CONTAINERS.replace("redis", "other")), 30, None))
    assert seen.failed == {"service redis": 1}
    blind, _ = watch(30, ("round\t1\t1\nhttp\t0\t200 0.1 \nend\t1\t1\n", 30, None))
    assert (blind.rounds.failures, blind.rounds.unknown) == (0, 1)


def test_a_long_watch_is_hardly_larger_than_a_short_one() -> None:
    def size(count: int) -> int:
        containers = tuple(
            ContainerSample(name, name, name, "", "running", "", 0, False, "2025", 1.0, 100, None)
            for name in ONE.services
        )
        seen = begin(context(FakeHost(), ONE), 86_400)
        tracemalloc.start()
        for n in range(1, count + 1):
            group = LogGroup("redis", 1, f"ERROR {n}", f"ERROR {n}")
            seen.add(
                HostSample(n, n * 10.0, 0.1, (HttpAnswer(200, n / 1e4),), containers, 1.0, 1.0, (), (group,))
            )
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return used

    assert size(1500) < 1.5 * size(450)


# What is shown of it


def test_a_panel_has_the_runbooks_line_curves_and_a_row_a_container() -> None:
    seen, _ = watch(30, (rounds(1, 3, more="looked\nlog\tredis\t4\tERROR #\tERROR 1\n"), 30, None))
    shown = panel(seen, "app1")
    assert shown.line.startswith("Progress: 30s / 30s | Checks: 3 | Failures: 0 (0.00%) | Consecutive: 0")
    assert shown.line.endswith("12 error lines in the logs")
    assert [curve.label for curve in shown.curves] == ["web ms", "errors", "CPU", "memory"]
    assert set(shown.curves[0].values) == {100}
    assert len(shown.rows) == 1 + len(ONE.services)


@quickly
@given(st.lists(st.one_of(st.none(), st.floats(-1, 1e9)), max_size=60), st.booleans())
def test_a_sparkline_has_a_cell_a_value_and_blanks_for_gaps(
    values: list[float | None], ascii_only: bool
) -> None:
    line = panels.spark(values, ascii_only)
    assert len(line) == min(40, len(values))
    assert [sign == " " for sign in line] == [value is None for value in values[-40:]]


def test_sparklines_are_drawn_from_nothing_to_the_most() -> None:
    assert panels.spark((0, 1, 2, None, 4)) == "▁▃▅ █"
    assert panels.spark((0, 1, 2, None, 4), ascii_only=True) == "_-+ #".replace("#", "@")[:5]


def test_panels_are_cut_to_the_terminal_and_name_their_hosts() -> None:
    event = Panel(
        "Progress: 1s", (Curve("a\x1b[31m", (1.0,), "1 ms"),), (("H", "I"), ("x" * 90, "y")), "app1"
    )
    lines = list(panels.draw((event, event), True, 60, False))
    assert all(isinstance(line, Text) and len(line.plain) <= 59 for line in lines)
    assert lines[0].plain.startswith(" app1: Progress")
    assert "\x1b" not in "".join(line.plain for line in lines)


def test_a_chart_breaks_its_lines_at_gaps_and_marks_them() -> None:
    values = ((0.0, 1.0), (10.0, 2.0), (20.0, None), (30.0, 3.0), (40.0, None))
    drawn = chart("T", "ms", [ChartLine("a", values)], seconds=40, limit=4, blind=values)
    (line,) = drawn.lines
    assert line.path.count("M") == 2
    assert (len(drawn.gaps), drawn.limit is not None, line.last) == (2, True, "3")
    far = chart("T", "ms", [ChartLine("a", values)], seconds=40, limit=400)
    assert far.limit is None


@quickly
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=30), st.floats(0, 90_000))
def test_nothing_is_drawn_outside_a_chart(values: list[float | None], seconds: float) -> None:
    points = tuple((float(number), value) for number, value in enumerate(values))
    drawn = chart("T", "ms", [ChartLine("a", points)], seconds=seconds)
    for line in drawn.lines:
        assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y, _, _ in line.points)


def test_a_report_needs_nothing_beside_itself_and_runs_nothing_of_a_hosts(tmp_path: Path) -> None:
    evil = 'ERROR <script>alert(1)</script>" onload=x'
    seen, _ = watch(30, (rounds(1, 3, more=f"looked\nlog\tredis\t4\t{evil}\t{evil}\n"), 30, None))
    page = report("Watch", (("Environment", "lab"),), {"app1": seen})
    text = write(page, tmp_path / "new" / "r.html").read_text()
    assert (tmp_path / "new" / "r.html").stat().st_mode & 0o777 == 0o600
    assert "<script>alert" not in text
    assert "ERROR &lt;script&gt;" in text
    assert text.count('<path class="series') == 1 + 1 + 8 + 8
    assert "http://localhost/" in text
    assert 'src="' not in text
