"""Verification of what runs: each check on a host that is well, and on one that is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

# A busy machine is no failure of what is tested here.
EASY = {"cpu_percent": 100, "memory_percent": 100, "database_ms": 10_000, "error_percent": 10}
OBJECTS = "find /data/schedules -type f | wc -l"
# What a host that was just put back has logged.
LOGS = {"ignore": ["FATAL", "redis|database connection lost|waiting for"]}
CHECKS: dict[str, Any] = {
    "queue": {"within": 20},
    "logs": LOGS,
    "commands": [
        {"name": "cache", "run": ["redis-cli", "ping"], "service": "redis", "matches": "PONG"},
        {"name": "tree", "run": ["test", "-d", "backend/src"]},
    ],
    "queries": [{"name": "history", "sql": "SELECT count(*) FROM jobs", "at_least": 200_000, "within": 60}],
}


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return kit.Operator(lab, tmp_path, (host,)).configure(limits=EASY, verify=CHECKS, checks=patient())


def patient(**more: Any) -> list[dict[str, Any]]:
    """The checks of the lab, with more time than a busy machine takes."""
    return [check | {"within": 20.0} | more for check in kit.configured()["checks"]]


def state(host: Box) -> tuple[int, int, str]:
    """What the flow may not change: rows and objects."""
    objects = host.sh(f"docker compose exec -T minio sh -c '{OBJECTS}'")
    return host.count("jobs"), host.count("events"), objects


def verdicts(op: Operator, *words: str) -> dict[str, tuple[str, str]]:
    """Verdict and text of every check."""
    return {row["check"]: (row["verdict"], row["result"]) for row in op.document(*words)["result"]}


def test_a_host_that_is_well_passes_everything_and_is_left_as_it_was(op: Operator, host: Box) -> None:
    # Prometheus, just started again, looks for the backend where it was before.
    kit.wait_for(
        lambda: host.get("/api/v1/targets", port=9090).count('"health":"up"') == 2, "both targets", 60
    )
    before = state(host)
    ran = op("verify", "--json")
    assert ran.code == 0, ran.output
    rows = json.loads(ran.stdout)["result"]
    assert {row["verdict"] for row in rows} == {"passed"}
    told = {row["check"]: row["result"] for row in rows}
    services = {f"service {name}" for name in kit.SERVICES}
    urls = {f"{check['name']} {check['url']}" for check in patient()}
    flow = {"flow upload", "flow job", "flow events", "flow clean-up"}
    measured = {f"response {check['name']}" for check in patient()} | {"database query", "CPU", "memory"}
    known = services | urls | flow | measured | {"migrations", "queue", "logs", "containers"}
    assert known | {"cache", "tree", "history"} == {name for name in told if not name.startswith("target ")}
    assert sum(name.startswith("target ") for name in told) == 2
    assert told["migrations"] == "2 executed, none pending"
    assert told["flow events"] == "3 events"
    assert "queue.waiting 0" in told["queue"]
    assert state(host) == before
    with kit.as_root(host, "mv /usr/bin/curl /usr/bin/curl.away", "mv /usr/bin/curl.away /usr/bin/curl"):
        without = op("verify.quick")
        uploaded = op("verify.flow")
    assert (without.code, uploaded.code) == (0, 0), without.output + uploaded.output
    assert state(host) == before


def test_what_is_not_well_fails_by_its_name(op: Operator, host: Box) -> None:
    before = state(host)
    flow = {"within": 5}
    op.configure(limits=EASY | {"database_ms": 1}, verify=CHECKS | {"flow": flow}, checks=patient())
    with kit.as_root(host, "docker compose stop -t 1 pdf-worker", "docker compose start pdf-worker"):
        bad = op("verify.flow")
        assert bad.code == 6, bad.output
        assert "is still 'queued' after 5 s; pdf-worker: schedgen-pdf-worker-1 is exited" in bad.stderr
        assert "flow clean-up" in bad.stdout
        assert verdicts(op, "verify.services")["service pdf-worker"][0] == "failed"
    assert state(host) == before
    name = "CreateEvents1714500000000"
    with kit.as_root(
        host,
        _sql(f"UPDATE migrations SET name = 'x' WHERE name = '{name}'"),
        _sql(f"UPDATE migrations SET name = '{name}' WHERE name = 'x'"),
    ):
        assert verdicts(op, "verify.migrations")["migrations"] == ("failed", f"pending: {name}")
    slow = op("verify.performance")
    assert slow.code == 6, slow.output
    assert "database query failed: median" in slow.stderr
    for number in (12, 34):
        line = f"ERROR no room for {number}"
        host.sh(f"docker compose exec -T backend sh -c 'echo {line} > /proc/1/fd/1'")
    logged = op("verify.logs")
    assert logged.code == 6, logged.output
    assert "ERROR no room" in logged.stdout
    rows = op.document("verify.logs")["result"]
    (row,) = [row for row in rows if "no room" in row["example"]]
    assert (row["service"], row["level"], row["new"], row["lines"]) == ("backend", "error", None, 2)


SILENT = {
    "none": "",
    "syslog": "--log-opt syslog-address=udp://127.0.0.1:514 --log-opt cache-disabled=true",
}


def test_a_log_that_the_engine_cannot_read_is_unknown(op: Operator, host: Box) -> None:
    """Beside a container of the same service whose log can be read."""
    ours = {"project": "schedgen", "service": "redis", "oneoff": "False"}
    labels = " ".join(f"--label com.docker.compose.{name}={value}" for name, value in ours.items())
    image = host.sh("docker inspect --format '{{.Image}}' schedgen-redis-1")
    for driver, options in SILENT.items():
        named = f"--name silent-{driver} --log-driver {driver}"
        host.sh(f"docker run --detach {named} {labels} {options} {image} sleep 600")
    op.configure(limits=EASY, checks=patient(), verify={"logs": {"ignore": ["."]}})
    ran = op("verify.logs")
    assert ran.code == 6, ran.output
    assert "1 of 1 checks did not pass, 1 of them unknown" in ran.stderr
    assert "logs of redis (logging driver none), redis (logging driver syslog) cannot be read" in ran.stderr
    assert "does not support reading" not in ran.output
    host.sh("docker rm --force silent-none silent-syslog")
    assert op("verify.logs").code == 0


def test_what_could_not_be_looked_at_is_unknown_and_not_passed(op: Operator, host: Box) -> None:
    odd = {"commands": [{"name": "odd", "run": ["no-such-program"]}]}
    wrong = patient(json_has={"status": "fine"}, service="backend")[:1]
    op.configure(limits=EASY, verify=odd | {"prometheus": {"patience": 0}}, checks=wrong)
    ran = op("verify.custom")
    assert ran.code == 6, ran.output
    assert "1 of 1 checks did not pass, 1 of them unknown" in ran.stderr
    assert 'status is "ok", not "fine"' in op("verify.endpoints").stderr
    with kit.as_root(host, "docker pause schedgen-backend-1", "docker unpause schedgen-backend-1"):
        assert verdicts(op, "verify.migrations")["migrations"][0] == "unknown"
        kit.wait_for(lambda: '"down"' in host.get("/api/v1/targets", port=9090), "Prometheus to notice", 60)
        down = op("verify.metrics")
        assert down.code == 6, down.output
        assert "target backend" in down.stderr
    with kit.as_root(host, "docker compose stop -t 1 prometheus", "docker compose start prometheus"):
        assert op("verify.metrics").code == 6


def _sql(statement: str) -> str:
    return f'docker compose exec -T postgres psql -q -U schedgen -c "{statement}"'
