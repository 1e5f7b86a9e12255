"""`inv logs`: the host's script under a real bash, lines read and merged, connections that drop."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import FakeHold, FakeHost, result
from kit import path, program, settings
from test_tasks import Capture, Inv

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.looking import log_lines
from schedgen_ops.looking.log_feed import Happened, merged
from schedgen_ops.looking.log_lines import LogLine
from schedgen_ops.looking.log_merge import ROOM, Merger
from schedgen_ops.looking.log_reader import LogQuery, LogReader, ReaderNote
from schedgen_ops.shell import Command

inv = test_tasks.inv

HEAD = """at 1736942400.0
container 0 aaa backend schedgen-backend-1
container 1 bbb redis schedgen-redis-1
listed
"""


def at(second: int, nano: int = 0) -> str:
    return f"2025-01-15T12:00:{second:02d}.{nano:09d}Z"


def spoken(*lines: str, end: str = "end\n") -> str:
    return HEAD + "".join(f"{line}\n" for line in lines) + end


def on(name: str = "app1", *lines: str) -> FakeHost:
    return FakeHost(name, {"docker logs": spoken(*lines)})


# What a line says.


@pytest.mark.parametrize(
    ("said", "level", "text"),
    [
        ('{"level":50,"time":1736942400000,"pid":7,"msg":"no room"}', "error", "no room pid=7"),
        ('{"level":20,"msg":"x"}', "debug", "x"),
        ('{"level":60,"msg":"x"}', "error", "x"),
        ('{"severity":"WARNING","message":"slow","took":{"ms":3}}', "warning", 'slow took={"ms":3}'),
        ('{"level":"info","msg":"error rate is 0"}', "info", "error rate is 0"),
        ('{"broken', "info", '{"broken'),
        ("2025-01-15 ERROR it broke", "error", "2025-01-15 ERROR it broke"),
        ("ts=1 level=debug msg=x", "debug", "ts=1 level=debug msg=x"),
        ("all is well", "info", "all is well"),
        ('{"msg":"in","password":"hunter2"}', "info", "in password=***"),
        ("postgres://me:hunter2@db/x token=abc", "info", "postgres://me:***@db/x token=***"),
    ],
)
def test_the_level_and_the_words_of_a_line(said: str, level: str, text: str) -> None:
    line = log_lines.read(at(0), "app1", "backend", "c", said)
    assert (line.level, line.text) == (level, text)


def test_a_time_is_read_to_the_nanosecond_whatever_its_zone() -> None:
    assert log_lines.stamp(at(1, 5)) == 1736942401000000005
    assert log_lines.stamp("2025-01-15T14:00:01.000000005+02:00") == 1736942401000000005
    with pytest.raises(ValueError, match="no time of a log"):
        log_lines.stamp("Error response from daemon: ...")


# Connections that drop.


def fed(reader: LogReader, text: str) -> list[str]:
    return [found.text for found in map(reader.take, text.splitlines()) if isinstance(found, LogLine)]


def test_after_a_lost_connection_nothing_is_lost_or_told_twice() -> None:
    reader = LogReader("app1", LogQuery(follow=True))
    reader.command(settings())
    told = fed(reader, spoken(f"{at(1)} 0 a", f"{at(2)} 0 b", f"{at(2)} 0 c", f"{at(1)} 1 r", end="live\n"))
    assert told == ["a", "b", "c", "r"]
    asked = dict(reader.command(settings()).values)
    assert asked["known"] == (f"aaa {at(2)}", f"bbb {at(1)}")
    assert (asked["since"], asked["tail"]) == ("1736942400.0", "all")
    # Three lines of one nanosecond, two of which were told.
    again = (f"{at(2)} 0 b", f"{at(2)} 0 c", f"{at(2)} 0 d", f"{at(3)} 0 e", f"{at(1)} 1 r", f"{at(3)} 1 s")
    assert fed(reader, spoken(*again, end="live\n")) == ["d", "e", "s"]


def test_a_container_that_starts_again_tells_nothing_twice() -> None:
    reader = LogReader("app1", LogQuery(follow=True))
    reader.command(settings())
    assert fed(reader, spoken(f"{at(1)} 0 a", end="live\n")) == ["a"]
    assert fed(reader, f"again 0\n{at(1)} 0 a\n{at(5)} 0 b\n{at(5)} 0 b\n") == ["b", "b"]


def test_what_the_engine_says_instead_of_a_log_is_told_as_such() -> None:
    reader = LogReader("app1", LogQuery())
    fed(reader, HEAD)
    line = "Error 1 response from daemon: configured logging driver does not support reading"
    assert reader.take(line) == ReaderNote("unread", line)


class Dropping(FakeHost):
    """Loses the connection in the middle of its first answer."""

    def __init__(self, first: str, *later: str) -> None:
        super().__init__("app1", {"docker logs": [first, *later]})

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> FakeHold:
        held = super().hold(command, deadline=deadline, on_line=on_line)
        held.lost = len(self.holds) == 1
        return held


def test_a_lost_connection_is_made_again_and_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedgen_ops.looking.log_feed._REST", 0.1)
    first = spoken(f"{at(1)} 0 a", f"{at(2)} 0 b", end="")
    host = Dropping(first, spoken(f"{at(2)} 0 b", f"{at(3)} 0 c"))
    found = list(merged([host], settings(), LogQuery()))
    assert [one.text for one in found if isinstance(one, LogLine)] == ["a", "b", "c"]
    assert [one.kind for one in found if isinstance(one, Happened)] == ["listed", "lost", "back", "listed"]


def test_an_end_of_the_connection_that_does_not_come_back_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schedgen_ops.looking.log_feed._REST", 0.1)
    monkeypatch.setattr("schedgen_ops.looking.log_feed._PAUSES", (0.0,))
    gone = ConnectionLost("gone", host="app1")
    host = Dropping(spoken(end=""), gone)  # type: ignore[arg-type]
    failed = [one for one in merged([host], settings(), LogQuery()) if isinstance(one, Happened)][-1]
    assert (failed.kind, failed.error) == ("failed", gone)


# Merged.


def line(host: str, second: int) -> LogLine:
    return log_lines.read(at(second), host, "s", "c", f"{host} {second}")


def test_lines_of_hosts_stand_in_the_order_of_time() -> None:
    hosts = [on("app1", f"{at(1)} 0 a", f"{at(4)} 0 d"), on("app2", f"{at(2)} 0 b", f"{at(3)} 1 c")]
    found = merged(hosts, settings("app1", "app2"), LogQuery())
    assert [one.text for one in found if isinstance(one, LogLine)] == ["a", "b", "c", "d"]


def test_a_host_that_says_nothing_holds_the_others_up_for_a_while_only() -> None:
    merger = Merger(("a", "b"), now=0.0)
    merger.add(line("a", 1), 1.0)
    assert list(merger.take(2.0)) == []
    assert [one.host for one in merger.take(6.0)] == ["a"]


def test_what_is_written_now_waits_a_moment_for_what_was_written_before() -> None:
    merger = Merger(("a",), now=0.0)
    merger.live("a")
    merger.add(line("a", 2), 1.0)
    assert list(merger.take(1.1)) == []
    merger.add(line("a", 1), 1.2)
    assert [one.text for one in merger.take(2.0)] == ["a 1", "a 2"]


class Speaking(FakeHost):
    """Says lines as fast as they are read."""

    def speak(self, held: FakeHold, on_line: Callable[[str], None]) -> None:
        raise NotImplementedError

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> FakeHold:
        held = FakeHold(HEAD, on_line)
        assert on_line is not None
        threading.Thread(target=self.speak, args=(held, on_line), daemon=True).start()
        return held


class Flood(Speaking):
    """Says more than fits in any memory."""

    said = 0

    def speak(self, held: FakeHold, on_line: Callable[[str], None]) -> None:
        while not held.closed:
            self.said += 1
            on_line(f"{at(0, self.said)} 0 {'x' * 1000}")


def test_a_gigabyte_of_logs_is_read_no_faster_than_it_is_shown() -> None:
    host, ahead, shown = Flood(), 0, 0
    coming = merged([host], settings(), LogQuery())
    for one in coming:
        shown += isinstance(one, LogLine)
        ahead = max(ahead, host.said - shown)
        if shown == 10_000:
            break
    coming.close()
    assert ahead <= 2 * ROOM + 2


class Gigabyte(Speaking):
    """Says a gigabyte, in lines as long as the host's script lets through, and ends."""

    lines, long = 32_000, 32_000

    def speak(self, held: FakeHold, on_line: Callable[[str], None]) -> None:
        for number in range(self.lines):
            fields = f'{{"level":30,"msg":"line {number}","ts":"{"x" * self.long}"}}'
            on_line(f"{at(0, number)} 0 {fields}")
        on_line("end")


def memory(name: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024


def test_a_gigabyte_of_logs_is_shown_to_its_end_in_little_memory(inv: Inv, capsys: Capture) -> None:
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    assert inv("logs", "--since", "1h", on=[Gigabyte()]) == 0
    assert memory("VmHWM") - before < Gigabyte.lines * Gigabyte.long / 5
    shown = [text.rpartition(" | ")[2] for text in capsys.readouterr().out.splitlines()]
    assert shown == [f"line {number}" for number in range(Gigabyte.lines)]


# The host's script.

DOCKER = """
case $1 in
  ps) printf 'aaa backend schedgen-backend-1\\nbbb redis schedgen-redis-1\\n' ;;
  logs)
    for id; do :; done
    printf '%s\\n' "$*" >> "$HOME/asked"
    case "$*" in *--follow*)
      echo $$ >> "$HOME/pids"
      [ "$id" != aaa ] || printf '%s later\\n' "$LATER"
      exec sleep 60
    esac
    cat "$HOME/$id" ;;
  events) echo $$ >> "$HOME/pids"; exec sleep 60 ;;
esac
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the script with a docker of ours; its stdin is open."""
    program(tmp_path / "bin", "docker", DOCKER)
    (tmp_path / "aaa").write_text(f"{at(1)} one\n{at(3)} old\rthree\r\n{at(5)} \x1b[2Jfive \xff\n", "latin-1")
    (tmp_path / "bbb").write_text(f"{at(2)} two\n{at(4)} four {'x' * 100_000}\n")
    running: list[subprocess.Popen[str]] = []

    def start(**options: Any) -> subprocess.Popen[str]:
        command = LogReader("app1", LogQuery(**options)).command(settings())
        env = {"PATH": path(tmp_path / "bin"), "HOME": str(tmp_path), "LATER": at(9)}
        words = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, env=env, text=True, errors="replace", cwd=tmp_path
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(60)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    found = []
    for text in process.stdout:
        found.append(text.rstrip("\n"))
        if found[-1] in ("end", "live") or found[-1].endswith(" later"):
            break
    return found


def test_the_script_merges_the_logs_of_a_host(script: Any) -> None:
    lines = [one for one in said(script()) if one[:1].isdigit()]
    assert [one.split(" ")[1] for one in lines] == ["0", "1", "0", "1", "0"]
    assert lines[2] == f"{at(3)} 0 three"
    assert len(lines[3]) == 32_000


def test_the_script_asks_for_what_is_wanted_alone(script: Any, tmp_path: Path) -> None:
    lines = said(script(services=("redis",), since="600s", tail="7", pattern="^tw"))
    assert [one for one in lines if one[:1].isdigit()] == [f"{at(2)} 1 two"]
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert "--since 600s" in asked
    assert "--tail 7" in asked


def test_the_script_refuses_a_pattern_that_is_none(script: Any) -> None:
    process = script(pattern="x(")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "no extended regular expression: x(" in err) == (64, True)


def test_the_script_ends_with_all_that_it_started_once_nobody_listens(script: Any, tmp_path: Path) -> None:
    process = script(follow=True)
    assert said(process)[-1] == "live"
    assert said(process)[-1] == f"{at(9)} 0 later"
    process.stdin.close()
    process.wait(60)
    pids = (tmp_path / "pids").read_text().split()
    assert pids
    patience = time.monotonic() + 60
    while left := [pid for pid in pids if _runs(pid)]:
        assert time.monotonic() < patience, left
        time.sleep(0.02)


def _runs(pid: str) -> bool:
    """Whether a process is there that is more than an exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# As an operator types it.


def test_lines_are_shown_with_their_service_and_their_time(inv: Inv, capsys: Capture) -> None:
    host = on("app1", f"{at(1)} 0 started", f"{at(2, 5_000_000)} 1 ready")
    assert inv("logs", "--since", "1h", on=[host]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "01-15 12:00:01.000 backend | started",
        "01-15 12:00:02.005 redis   | ready",
    ]


def test_a_hostile_line_moves_no_cursor_and_sets_no_title(inv: Inv, capsys: Capture) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b2J\u202eabc\x00"
    assert inv("logs", on=[on("app1", f"{at(1)} 0 {hostile}")]) == 0
    text = capsys.readouterr().out.rstrip("\n")
    assert text.isprintable()
    assert "red" in text


def test_only_what_is_grave_enough_is_shown(inv: Inv, capsys: Capture) -> None:
    lines = (
        f'{at(1)} 0 {{"level":30,"msg":"fine"}}',
        f'{at(2)} 0 {{"level":50,"msg":"bad"}}',
        f"{at(3)} 1 ERROR x",
    )
    assert inv("logs", "--level", "error", on=[on("app1", *lines)]) == 0
    assert [one.partition("| ")[2] for one in capsys.readouterr().out.splitlines()] == ["bad", "ERROR x"]


def test_services_are_words_behind_the_task(inv: Inv) -> None:
    host = on("app1")
    assert inv("logs", "backend", "redis", "--tail", "5", on=[host]) == 0
    assert dict(host.commands[0].values)["services"] == ("backend", "redis")
    assert dict(host.commands[0].values)["tail"] == "5"


def test_an_unknown_service_is_code_2_and_names_those_there_are(inv: Inv, capsys: Capture) -> None:
    assert inv("logs", "nope", on=[on("app1")]) == 2
    err = capsys.readouterr().err
    assert "there is no service nope" in err
    assert "There are: backend, " in err


def test_a_host_that_cannot_be_reached_hides_no_other(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    from kit import written

    rows = [{"name": name, "address": name} for name in ("app1", "app2")]
    (tmp_path / "config/staging.yaml").write_text(written(hosts=rows))
    away = FakeHost("app2", {"docker logs": ConnectionLost("app2 is away", host="app2")})
    assert inv("logs", on=[on("app1", f"{at(1)} 0 here"), away]) == 8
    out, err = capsys.readouterr()
    assert "app1 backend" in out
    assert "| here" in out
    assert "app2 is away" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--since", "soon"), "--since 'soon' is no time span"),
        (("--tail=-1",), "--tail is a number"),
        (("--level", "loud"), "no level 'loud'"),
        (("--follow", "--json"), "--follow has no end"),
    ],
)
def test_an_option_that_means_nothing_is_code_2(
    inv: Inv, capsys: Capture, words: tuple[str, ...], message: str
) -> None:
    assert inv("logs", *words, on=[on("app1")]) == 2
    assert message in capsys.readouterr().err


def test_a_pattern_that_the_host_refuses_is_code_2(inv: Inv, capsys: Capture) -> None:
    refusing = FakeHost("app1", {"docker logs": result(stderr="no extended regular expression: x(", code=64)})
    assert inv("logs", "--grep", "x(", on=[refusing]) == 2
    assert "--grep 'x(' is no extended regular expression" in capsys.readouterr().err


def test_a_document_has_the_lines(inv: Inv, capsys: Capture) -> None:
    assert inv("logs", "--json", on=[on("app1", f"{at(1, 7)} 0 a")]) == 0
    (row,) = json.loads(capsys.readouterr().out)["result"]
    assert (row["service"], row["at"], row["level"], row["text"]) == ("backend", at(1, 7), "info", "a")


@pytest.mark.parametrize("level", ["1e999", "NaN", "-Infinity", "9" * 400, "[" * 20_000 + "]" * 20_000])
def test_a_level_that_is_no_level_keeps_no_line_back(level: str) -> None:
    told = log_lines._told(f'{{"level":{level},"msg":"hello"}}')
    assert told[0] in ("debug", "info", "warning", "error")
    assert "hello" in told[1]
