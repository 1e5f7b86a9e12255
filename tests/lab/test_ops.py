"""Single operations on a host that runs: what they change, what they say, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

HELD = "BEGIN; LOCK TABLE jobs; SELECT pg_sleep(600)"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


def state(host: Box, name: str) -> str:
    how = "{{.State.Status}} {{.State.Health.Status}}"
    return host.sh(f"docker inspect --format '{how}' schedgen-{name}-1")


def done(op: Operator, *words: str) -> str:
    """What a task said that ended well."""
    ran = op(*words)
    assert ran.code == 0, ran.output
    return ran.output


def test_services_are_restarted_stopped_and_started_and_said_well_once_seen(op: Operator, host: Box) -> None:
    before = kit.engine(host)
    unknown = op("ops.restart", "backnd", "--yes")
    assert unknown.code == 2, unknown.output
    assert "no service backnd in this environment" in unknown.stderr
    assert "backend, frontend, grafana, minio" in unknown.stderr
    unasked = op("ops.stop", "backend")
    assert unasked.code == 2, unasked.output
    assert kit.engine(host) == before

    begun = host.sh("docker inspect --format '{{.State.StartedAt}}' schedgen-backend-1")
    assert "backend restarted: its container seen well" in done(op, "ops.restart", "backend,redis", "--yes")
    assert host.sh("docker inspect --format '{{.State.StartedAt}}' schedgen-backend-1") != begun
    assert (state(host, "backend"), state(host, "redis")) == ("running healthy", "running healthy")

    assert "pdf-worker is stopped" in done(op, "ops.stop", "pdf-worker", "--yes")
    assert state(host, "pdf-worker").startswith("exited")
    host.sh("docker rm -f schedgen-grafana-1; docker pause schedgen-redis-1")
    done(op, "ops.start", "pdf-worker,grafana,redis")
    for name in ("pdf-worker", "grafana", "redis"):
        assert state(host, name) == "running healthy"

    host.sh("docker stop -t 1 schedgen-frontend-1; docker run -d --name other --publish 3000:80 lab/redis:7")
    taken = op("ops.start", "frontend")
    assert taken.code == 5, taken.output
    assert "frontend started and is not well" in taken.stderr
    assert "port is already allocated" in taken.stderr
    assert "inv doctor" in taken.stderr
    host.sh("docker rm -f other")
    done(op, "ops.start", "frontend")


def test_a_service_gets_more_and_fewer_containers_and_no_visitor_notices(op: Operator, host: Box) -> None:
    early = op("ops.scale", "backend", "2")
    assert early.code == 3, early.output
    op.deploy("v1.2.3")
    stateful = op("ops.scale", "redis", "2")
    assert stateful.code == 3, stateful.output
    assert "two of it would be two different ones" in stateful.stderr
    assert op("ops.scale", "backend", "0").code == 2
    running = op.start("ops.scale", "backend", "3")
    while running.process.poll() is None:
        assert host.version() == "1.2.3"
    more = running.wait()
    assert more.code == 0, more.output
    assert "backend has 3 containers" in more.output
    assert "a deploy keeps that number: the compose file says none" in more.output
    seen = {host.sh("docker ps -q -f name=schedgen-backend- | wc -l")}
    running = op.start("ops.scale", "backend", "1")
    while running.process.poll() is None:
        assert host.version() == "1.2.3"
    fewer = running.wait()
    assert fewer.code == 0, fewer.output
    seen.add(host.sh("docker ps -q -f name=schedgen-backend- | wc -l"))
    assert seen == {"3", "1"}
    kit.serves(host, "1.2.3")


def test_room_is_made_and_images_are_built_beside_what_runs(op: Operator, host: Box) -> None:
    host.sh("printf 'FROM lab/redis:7\\nLABEL a=1\\n' | docker build -q -t odd - >/dev/null")
    host.sh("printf 'FROM lab/redis:7\\nLABEL a=2\\n' | docker build -q -t odd - >/dev/null")
    host.sh("mkdir -p .schedgen; touch -d '60 days ago' .schedgen/old.log; touch .schedgen/new.log")
    stay = (
        "docker images --format '{{.Repository}}:{{.Tag}}' | grep -v none | sort; docker volume ls -q | sort"
    )
    kept = host.sh(stay)
    running = kit.containers(host)
    said = done(op, "ops.prune", "--yes")
    assert "images without a name" in said
    assert host.sh("docker images -q --filter dangling=true") == ""
    assert host.sh("ls .schedgen/*.log") == ".schedgen/new.log"
    assert host.sh(stay) == kept
    assert "frontend: image built" in done(op, "ops.build", "frontend")
    wrong = op("ops.build", "backnd")
    assert wrong.code == 2, wrong.output
    assert kit.containers(host) == running


def test_the_schema_and_sessions_are_moved_and_ended_by_name(op: Operator, host: Box) -> None:
    listed = {row["migration"]: row["state"] for row in op.document("ops.migrations")["result"]}
    assert listed == {"CreateJobs1712000000000": "applied", "CreateEvents1714500000000": "applied"}
    assert "reverted: CreateEvents1714500000000" in done(op, "ops.revert-migration", "--yes")
    rows = op.document("ops.migrations")["result"]
    assert rows[-1]["state"] == "pending"
    assert "applied: CreateEvents1714500000000" in done(op, "ops.migrate", "--yes")
    assert "no migration is pending" in done(op, "ops.migrate", "--yes")
    psql = "docker compose exec {} postgres psql -U schedgen -d schedgen -tAc"
    host.sh(f'{psql.format("-d")} "{HELD}"; sleep 1')
    find = f"SELECT pid FROM pg_stat_activity WHERE query = '{HELD}'"
    pid = host.sh(f'{psql.format("-T")} "{find}"')
    assert f"session {pid} was ended" in done(op, "ops.end-session", pid, "--yes")
    assert host.sh(f'{psql.format("-T")} "{find}"') == ""
    gone = op("ops.end-session", pid, "--yes")
    assert gone.code == 5, gone.output
    assert f"there is no session {pid}" in gone.stderr
    assert op("ops.end-session", "x1", "--yes").code == 2
