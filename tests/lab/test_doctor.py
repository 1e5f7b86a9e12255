"""What doctor names: each cause broken for real on a host, and nothing on one that is well.

Causes that do not touch one another are broken together: one look tells of all of them and of no other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

# A busy machine is no failure of what is tested here, and that it is busy is true.
EASY = {"memory_percent": 100, "disk_free_gb": 1}
BUSY = "host resources"
LOGS = {"ignore": ["FATAL|terminating|ECONNREFUSED|ENOTFOUND|connection lost|waiting for|PANIC"]}
FOLDER = "/srv/schedgen/backups"
COMPOSE = "docker-compose.yml"
# What a finding has to hold: a part of its text, of its fix, and of its evidence.
Told = tuple[str, ...]


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return patient(Operator(lab, tmp_path, (host,)))


def patient(op: Operator, **more: Any) -> Operator:
    """The lab's configuration with more time than a busy machine takes."""
    checks = [check | {"within": 20.0} for check in kit.configured()["checks"]]
    return op.configure(limits=EASY, verify={"logs": LOGS, "queue": {"within": 20}}, checks=checks, **more)


def named(op: Operator, *words: str) -> dict[str, dict[str, Any]]:
    """What doctor names, by cause."""
    ran = op("doctor", *words, "--json")
    rows = json.loads(ran.stdout)["result"]
    assert ran.code == (6 if rows else 0), ran.output
    rest = [row for row in rows if row["cause"] != BUSY]
    assert len({row["cause"] for row in rest}) == len(rest), rest
    return {row["cause"]: row for row in rest}


def only(op: Operator, **causes: Told) -> None:
    """Fails unless doctor names these causes and no other, each with its fix and its evidence."""
    rows = named(op)
    assert set(rows) == {cause.replace("_", " ") for cause in causes}, rows
    for cause, (text, fix, *evidence) in causes.items():
        row = rows[cause.replace("_", " ")]
        assert (row["verdict"], text in row["text"], fix in row["fix"]) == ("found", True, True), row
        assert all(part in "\n".join(row["evidence"]) for part in evidence), row


def test_nothing_is_named_where_nothing_is_wrong_and_a_broken_host_is(op: Operator, host: Box) -> None:
    before = kit.tree(host), kit.engine(host)
    assert named(op) == {}
    assert named(op, "--issue", "2") == {}
    assert (kit.tree(host), kit.engine(host)) == before
    assert op("doctor", "--issue", "7").code == 2
    patient(op, build={"reach": ["http://127.0.0.1:9/"]})
    with kit.as_root(
        host,
        f"mkdir {FOLDER}; mount -t tmpfs -o size=4m,nr_inodes=4,uid=$(id -u deploy) tmpfs {FOLDER};"
        "cp -p .env /root/env; sed -i 's/^MINIO_SECRET_KEY=.*/MINIO_SECRET_KEY=/' .env;"
        "git -c safe.directory=* remote get-url origin > /root/origin;"
        "git -c safe.directory=* remote set-url origin /srv/no.git",
        f"umount {FOLDER}; rmdir {FOLDER}; mv /root/env .env;"
        "git -c safe.directory=* remote set-url origin $(cat /root/origin)",
    ):
        only(
            op,
            disk_space=(f"0.00 GB are free where {FOLDER} is, 1 GB are needed", "inv ops.prune"),
            inodes=("3 of 4 inodes are free", "inv ops.prune"),
            credentials=(".env does not set MINIO_SECRET_KEY", "/srv/schedgen/.env"),
            network=("the git remote origin does not answer", "network"),
            registry=("http://127.0.0.1:9/, which builds load from, cannot be reached", "network"),
        )
    patient(op)
    with kit.as_root(
        host,
        f"mkdir -m 0555 {FOLDER}; chown root: {FOLDER};"
        f"cp -p {COMPOSE} /root/was; sed -i 's/BACKEND_URL: .*/BACKEND_URL: ${{NOWHERE}}/' {COMPOSE}",
        f"rmdir {FOLDER}; cp -p /root/was {COMPOSE}",
    ):
        only(
            op,
            permissions=(f"{FOLDER} is not writable", "chown", "root"),
            configuration=("does not set: NOWHERE", "/srv/schedgen/.env"),
        )
    with kit.as_root(
        host,
        f"cp -p {COMPOSE} /root/was; sed -i 's/^services:/servces:/' {COMPOSE}",
        f"cp -p /root/was {COMPOSE}",
    ):
        only(op, configuration=("does not take the compose file", "inv rollback"))
    with kit.as_root(host, "gpasswd -d deploy docker", "usermod -aG docker deploy"):
        only(op, Docker_daemon=("Docker refuses this user", "group docker"))


def test_services_that_are_away_are_named_with_those_that_need_them(op: Operator, host: Box) -> None:
    image = host.sh("docker inspect --format '{{.Config.Image}}' schedgen-redis-1")
    run = "docker run -d --label com.docker.compose.project=schedgen --label com.docker.compose.oneoff=False"
    run += " --label com.docker.compose.project.working_dir=/srv/schedgen --entrypoint bash"

    def start(name: str, options: str, program: str) -> str:
        label = f"--label com.docker.compose.service={name}"
        return f"{run} {label} --name {name} {options} {image} -c '{program}'"

    never = "--health-cmd=false --health-interval=1s"
    needs = "--label com.docker.compose.depends_on=redis:service_healthy:false"
    unset = "Error: environment variable REDIS_URL is not set"
    broken = (
        "docker compose stop -t 1 redis frontend",
        f"docker run -d --name other --publish 3000:80 {image} sleep 600",
        "! docker start schedgen-frontend-1",
        "docker pause schedgen-grafana-1",
        "docker rm -f schedgen-pdf-worker-1",
        start("crashing", "", 'echo "Error: cannot read /etc/odd" >&2; exit 3'),
        start("again", "--restart=always", f'echo "{unset}"; exit 1'),
        start("greedy", "--memory=20m", "a=x; while :; do a=$a$a; done"),
        start("needy", f"{never} --health-retries=1 {needs}", "sleep 600"),
        start("early", f"{never} --health-start-period=900s", "sleep 600"),
        "sleep 6",
    )
    with kit.as_root(
        host,
        "; ".join(broken),
        "docker rm -f other crashing again greedy needy early; docker unpause schedgen-grafana-1",
    ):
        only(
            op,
            stopped=(
                "schedgen-redis-1 is stopped",
                "inv ops.start redis",
                "needy is unhealthy, and needs redis",
            ),
            port_taken=("schedgen-frontend-1 cannot", "inv ops.start frontend", "3000: the container other"),
            paused=("schedgen-grafana-1 is paused", "inv ops.start grafana"),
            no_container=("pdf-worker has no container", "inv ops.start pdf-worker"),
            crashed=("crashing ended with exit code 3", "inv ops.restart crashing", "cannot read /etc/odd"),
            restarting=("again is restarted again and again", "correct the env file", unset),
            out_of_memory=("greedy was killed", "inv ops.restart greedy"),
            not_started_yet=("is not healthy yet", "inv doctor"),
        )


def test_what_is_wrong_with_the_database_is_named_with_the_session(op: Operator, host: Box) -> None:
    stamp = 1714500000000
    with kit.as_root(
        host,
        psql("BEGIN; LOCK TABLE jobs; SELECT pg_sleep(600)", wait=False)
        + "; sleep 1; "
        + psql("SELECT count(*) FROM jobs", wait=False)
        + "; "
        + psql(f"DELETE FROM migrations WHERE name = 'CreateEvents{stamp}'")
        + "; sleep 2",
        psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'")
        + "; "
        + psql(f"INSERT INTO migrations (timestamp, name) VALUES ({stamp}, 'CreateEvents{stamp}')"),
    ):
        only(
            op,
            database_locked=(
                "(schedgen from local, psql) keeps",
                "inv ops.end-session ",
                "LOCK TABLE jobs",
                "SELECT count(*) FROM jobs",
            ),
            migrations_pending=(f"1 pending: CreateEvents{stamp}", "inv ops.migrate"),
        )
    # Who waited for the lock said no word meanwhile, and is taken for ill until it is looked at again.
    kit.wait_for(lambda: "(unhealthy)" not in host.sh("docker ps"), "everybody to be well again")
    with kit.as_root(
        host,
        psql("INSERT INTO migrations (timestamp, name) VALUES (1700000000000, 'Other1700000000000')"),
        psql("DELETE FROM migrations WHERE name = 'Other1700000000000'"),
    ):
        only(op, migrations_conflict=("does not know: Other1700000000000", "inv ops.revert-migration"))
    crowd = f"for _ in {{1..58}}; do {psql('SELECT pg_sleep(500)', wait=False)}; done; sleep 3"
    with kit.as_root(host, crowd, "true"):
        only(op, database=("sessions", "inv ops.restart backend"))


def test_what_came_with_a_release_or_failed_to_is_named(op: Operator, host: Box) -> None:
    op.deploy("v1.2.3")
    assert named(op) == {}
    failed = op("deploy", "--branch", "broken-migration")
    assert failed.code == 4, failed.output
    only(op, migration_failed=("the last deploy", "inv ops.migrations"))
    newest = kit.containers(host)["backend"]
    line = "TypeError: cannot count pages at upload.js:12"
    host.sh(f"docker exec {newest} sh -c 'echo {line} > /proc/1/fd/1'")
    found = named(op)
    assert found["new errors"]["text"].startswith("backend logs what no earlier release did, 1 times")
    assert "commits of this release that touch" in found["new errors"]["evidence"][0]
    assert set(found) == {"migration failed", "new errors"}


def psql(statement: str, *, wait: bool = True) -> str:
    how = "-T" if wait else "-d"
    return f'docker compose exec {how} postgres psql -U schedgen -d schedgen -c "{statement}"'
