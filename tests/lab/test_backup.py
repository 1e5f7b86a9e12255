"""Backups by hand, what is told of them, and what is left of one that failed: nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


def test_backups_are_made_listed_and_never_half(op: Operator, host: Box) -> None:
    nothing = op("backup.last")
    assert nothing.code != 0
    assert "`inv backup` makes one" in nothing.stderr
    made = op("backup")
    assert made.code == 0, made.output
    assert kit.in_order(
        made.stdout, ("=== Backup ===", "[INFO] Backup directory: backups/manual-", "verified")
    )
    (name,) = kit.backups(host)
    manifest = json.loads(host.sh(f"cat backups/{name}/manifest.json"))
    assert manifest["commit"] == host.sh("git rev-parse HEAD")
    _assert_last(op, host, name)
    _assert_listed(op, host, name)
    _assert_failure_keeps_nothing(op, host, name)


def _assert_last(op: Operator, host: Box, name: str) -> None:
    last = op("backup.last").stdout
    for text in (host.name, f"/srv/schedgen/backups/{name}", "2000", "gunzip -c", "SHA-256"):
        assert text in last
    assert op.document("backup.last")["result"]["Backup"] == name


def _assert_listed(op: Operator, host: Box, name: str) -> None:
    assert re.search(rf"^{host.name} +{name} ", op("backup.list").stdout, re.M)
    (row,) = op.document("backup.list")["result"]
    total = sum(map(int, host.sh(f"stat -c %s backups/{name}/*.gz").split()))
    assert (row["host"], row["backup"], row["size"]) == (host.name, name, total)


def _assert_failure_keeps_nothing(op: Operator, host: Box, name: str) -> None:
    with kit.as_root(host, "docker compose stop postgres", "docker compose start postgres"):
        failed = op("backup")
    assert failed.code == 3, failed.output
    assert kit.in_order(failed.stderr, ("postgres is not running", host.name, "docker compose logs postgres"))
    assert "Backup Complete" not in failed.stdout
    assert kit.backups(host) == (name,)
    assert op.document("backup.last")["result"]["Backup"] == name


_CUT_THE_DUMP = """
docker compose exec -T postgres psql -qtA -U schedgen -c "
  CREATE TABLE endless AS SELECT n, md5(n::text) FROM generate_series(1, 1500000) n"
nohup docker compose exec -T postgres bash -c '
  until psql -qtA -U schedgen -c "
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '"'pg_dump'"' AND query LIKE '"'COPY%endless%'"'" | grep -q t; do :; done
' >/dev/null 2>&1 </dev/null &
"""


def test_a_dump_that_breaks_off_stops_the_deploy_before_any_change(op: Operator, host: Box) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    host.sh(_CUT_THE_DUMP)
    ran = op("deploy", "--branch", "v1.2.3")
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, ("backup failed", "Pre-deployment backup", '"endless" failed'))
    assert "=== Step 1" not in ran.stdout
    assert kit.backups(host) == ()
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)
