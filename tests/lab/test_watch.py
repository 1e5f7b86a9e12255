"""A watch over a while: figures, verdict, a lost connection, Ctrl-C, a leak, the report in a browser."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from browser import look_at
from deploy_kit import Operator
from test_verify import EASY, patient

from schedgen_ops.lab.place import Place

PROGRESS = re.compile(
    r"Progress: (\d+)s / (\d+)s \| Checks: (\d+) \| Failures: (\d+) \((\d+\.\d\d)%\) \| "
    r"Consecutive: (\d+) \| Remaining: (\d+)s"
)
CHARTS = {
    "Response times": 4,
    "Failed checks in a round": 1,
    "The host: CPU and memory in use": 2,
    "Containers: memory": 8,
    "Containers: CPU": 8,
}
LEAK = "const kept = []; setInterval(() => kept.push(Buffer.alloc(2 << 20, 1)), 500)"
SAMPLER = "pgrep -fc '[c]groups=/sys/fs/cgroup' || true"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(watch={"interval": 1}, limits=EASY, checks=patient())


def page(text: str) -> Path:
    found = re.search(r"Report: (\S+\.html)", text)
    assert found, text
    return Path(found[1])


def test_a_watch_goes_on_for_as_long_as_it_is_told_and_ends_when_it_is_told(op: Operator, host: Box) -> None:
    started = time.monotonic()
    ran = op("verify.extended", "--duration", "3", env={"MONITORING_DURATION": "200"})
    assert ran.code == 0, ran.output
    assert time.monotonic() - started >= 2
    rows = [tuple(map(float, row)) for row in PROGRESS.findall(ran.stdout)]
    assert rows
    for elapsed, duration, checks, failures, _, consecutive, remaining in rows:
        assert (duration, failures, consecutive) == (3, 0, 0)
        assert elapsed + remaining == 3
        assert 1 <= checks <= elapsed
    shorter = op("verify.extended", env={"MONITORING_DURATION": "1"})
    assert (shorter.code, len(PROGRESS.findall(shorter.stdout))) == (0, 1)

    long = op.start("verify.extended", "--duration", "600")
    long.until("Checks: 2 ")
    assert int(host.sh(SAMPLER, user="root")) > 0
    long.signal(signal.SIGINT)
    ended = long.wait()
    assert ended.code == 0, ended.output
    assert re.search(r"Ended from the keyboard after \d+s of 600s: the verdict so far", ended.stdout)
    assert page(ended.stdout).stat().st_mode & 0o777 == 0o600
    kit.wait_for(lambda: host.sh(SAMPLER, user="root") == "0", "the sampler to end", 30)

    away = op.start("verify.extended", "--duration", "60")
    away.until("Checks: 1 ")
    with kit.as_root(host, "docker compose stop -t 0 backend", "docker compose start backend"):
        away.until("Consecutive: 3 ")
    away.signal(signal.SIGINT)
    bad = away.wait()
    assert bad.code == 6, bad.output
    assert re.search(r"(\d+) consecutive checks failed \(limit 3\)", bad.stderr)
    assert "http://localhost:3001/health" in bad.stderr
    assert "Verification Complete" not in bad.stdout


def test_a_leak_is_told_over_a_lost_connection_and_drawn_in_the_report(
    op: Operator, host: Box, tmp_path: Path
) -> None:
    op.configure(watch={"interval": 2}, limits=EASY, checks=patient())
    host.sh(f"docker compose exec -d backend node -e '{LEAK}'")
    watch = op.start("verify.extended", "--duration", "60")
    watch.until("Checks: 3 ")
    with kit.as_root(host, "pkill -STOP -o -x sshd", "pkill -CONT -o -x sshd"):
        host.sh("pkill -KILL -f 'sshd: deploy'", user="root")
        watch.until("the connection was lost, trying again")
        time.sleep(5)
    ran = watch.wait()
    assert "the connection was lost, trying again" in ran.stdout
    assert re.search(r"Unknown: \d+", ran.stdout), ran.stdout
    assert ran.code == 6, ran.output
    assert re.search(
        r"schedgen-backend-1 leaks memory: \+\d+\.\d MiB/h \(95 %: .*reaches its limit in", ran.stderr
    )
    report = page(ran.stderr)
    assert "schedgen-frontend-1 leaks" not in ran.stderr
    seen = look_at(report, tmp_path)
    assert seen.problems == seen.told == seen.asked == ()
    assert {name: len(lines) for name, lines in seen.lines.items()} == CHARTS
    assert all(width > 50 for lines in seen.lines.values() for width in lines)
    assert not re.search(r"(?:src|href)=\"(?!data:)", report.read_text())
