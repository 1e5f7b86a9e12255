"""Backups put to use: proven, restored, and everything brought back that was destroyed."""

from __future__ import annotations

import json
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from data import DATABASES, Data, aside, databases, sql
from deploy_kit import Operator

from schedgen_ops.lab.place import Place


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


DESTROY_OBJECTS = "docker compose exec -T minio sh -c 'rm -rf /data/*'"


def test_a_drill_proves_a_backup_and_leaves_nothing(op: Operator, host: Box) -> None:
    containers, volumes = kit.containers(host), host.sh("docker volume ls -q")
    assert op("backup").code == 0
    (name,) = kit.backups(host)
    good = ["SELECT count(*) = 200000 FROM jobs"]
    op.configure(backup={"drill": {"queries": good}})
    passed = op("backup.drill")
    assert passed.code == 0, passed.output
    assert "298002 rows in 3 tables, 2000 objects" in passed.stdout
    manifest = json.loads(host.sh(f"cat backups/{name}/manifest.json"))
    assert manifest["drill"]["result"] == "passed"
    assert manifest["drill"]["seconds"] > 0
    assert "passed just now" in op("backup.last").stdout
    # A wrong answer, and a container that is lost midway: told, written down, nothing left.
    op.configure(backup={"drill": {"queries": ["SELECT count(*) = 1 FROM jobs"]}})
    wrong = op("backup.drill")
    assert wrong.code != 0
    assert "SELECT count(*) = 1 FROM jobs' answered 'f'" in wrong.stderr
    running = op.configure().start("backup.drill")
    box = "docker ps -q --filter label=schedgen.drill"
    kit.wait_for(lambda: host.sh(box) != "", "the throwaway container")
    host.sh(f"docker kill $({box})")
    lost = running.wait()
    assert lost.code != 0, lost.output
    assert "the restore drill of" in lost.stderr
    assert not op.document("backup.last")["result"]["Restore tried"].startswith("passed")
    assert host.sh("docker ps -aq --filter label=schedgen.drill") == ""
    assert (kit.containers(host), host.sh("docker volume ls -q")) == (containers, volumes)


def test_a_deploy_whose_drill_fails_changes_nothing(op: Operator, host: Box) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    op.configure(backup={"drill": {"deploy": "always", "queries": ["SELECT count(*) = 1 FROM jobs"]}})
    ran = op("deploy", "--branch", "v1.2.3")
    assert ran.code == 4, ran.output
    assert "the restore drill of pre-deployment-" in ran.stderr
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)


def test_a_restore_brings_every_row_and_object_back_or_leaves_the_old_data(op: Operator, host: Box) -> None:
    data = Data.of(host)
    assert op("backup").code == 0
    (name,) = kit.backups(host)
    # Jobs lost, one made since, a table that is new, half of the objects gone and one altered.
    sql(
        host, "DELETE FROM events; DELETE FROM jobs WHERE file_name LIKE '%7.pdf'; CREATE TABLE extra (n int)"
    )
    spoil = "cd /data/schedules/done && rm seed-0*.pdf && echo x > seed-1999.pdf && mkdir -p /data/new/x"
    host.sh(f"docker compose exec -T minio sh -c '{spoil}'")
    spoilt, before = Data.of(host), kit.containers(host)
    # What is restored is not accepted: nothing was touched, nothing is left.
    op.configure(backup={"drill": {"queries": ["SELECT false"]}})
    refused = op("backup.restore", name, "--yes")
    assert refused.code == 4, refused.output
    assert kit.in_order(refused.stderr, ("what was restored is not what was saved", "SELECT false"))
    assert "The old data is in place" in refused.stdout
    assert (Data.of(host), kit.containers(host), databases(host)) == (spoilt, before, DATABASES)
    assert aside(host) == []
    # The objects cannot be moved once the database took its place: both are exchanged back.
    op.configure()
    stuck = "chattr {}i $(docker volume inspect -f '{{{{.Mountpoint}}}}' schedgen_minio-data)/schedules"
    with kit.as_root(host, stuck.format("+"), stuck.format("-")):
        failed = op("backup.restore", name, "--yes")
    assert failed.code == 4, failed.output
    assert "the objects could not be exchanged" in failed.stderr
    assert (Data.of(host), kit.containers(host), databases(host)) == (spoilt, before, DATABASES)
    assert aside(host) == []
    restored = op("backup.restore", name, "--yes")
    assert restored.code == 0, restored.output
    assert kit.in_order(
        restored.stdout, ("Restored beside what serves", "298002 rows", "serves; backend, pdf-worker")
    )
    assert Data.of(host) == data
    assert kit.containers(host) == before
    (old,) = databases(host) - DATABASES
    assert old.startswith("schedgen_before_")
    assert aside(host) == [f".schedgen-before-{old[-15:]}"]
    # What was put aside is no object of the next backup, and goes when it is told to.
    assert op("backup.objects").code == 0
    assert json.loads(host.sh("cat $(ls -td backups/manual-* | head -1)/manifest.json"))["objects"] == 2000
    assert op("backup.discard", "--yes").code == 0
    assert (databases(host), aside(host)) == (DATABASES, [])
    kit.serves(host, "1.2.2", 3)


def test_a_corrupt_database_is_put_back(op: Operator, host: Box) -> None:
    data = Data.of(host)
    assert op("backup.database").code == 0
    (name,) = kit.backups(host)
    sql(host, "DROP TABLE events, jobs CASCADE")
    asked = op("emergency.database")
    assert (asked.code, "Pass --yes" in asked.stderr) == (2, True)
    ran = op("emergency.database", "--yes")
    assert ran.code == 0, ran.output
    said = (
        "Stopped: backend, pdf-worker",
        "What is there is saved: safety-",
        "The restored data serves",
        "12 checks",
    )
    assert kit.in_order(ran.stdout, said)
    assert Data.of(host) == data
    kit.serves(host, "1.2.2", 3)
    # The safety copy holds what was wrong: it is no good backup to go back to by itself.
    assert op.document("backup.last")["result"]["Backup"] == name


def test_everything_destroyed_comes_back_with_every_row_and_object(op: Operator, host: Box) -> None:
    op.deploy("v1.2.3")
    data = Data.of(host)
    made = op("backup")
    assert made.code == 0, made.output
    # The objects are gone, the database's files are garbage, and nothing runs.
    host.sh(DESTROY_OBJECTS)
    wreck = "cd /var/lib/postgresql/data && rm -rf global && echo garbage > PG_VERSION"
    host.sh(f"docker compose exec -T -u root postgres sh -c '{wreck}'; docker rm -f $(docker ps -aq)")
    op.configure(health={"settle": 3, "deadline": 60})
    ran = op("emergency.recover", "--yes")
    assert ran.code == 0, ran.output
    assert kit.in_order(
        ran.stdout,
        (
            "is to serve",
            "Everything is down",
            "postgres does not start with its files",
            "set aside in backups/safety-",
            "schedgen-ingress",
            "checks passed",
        ),
    )
    assert Data.of(host) == data
    # The release that served serves again, behind its ingress, and can be deployed over.
    kit.serves(host, "1.2.3", 3)
    assert "files-0.tar.gz" in host.sh("ls backups/safety-*")
    assert op.document("backup.last")["result"]["Release"] == kit.records(host)[-1]["id"]
