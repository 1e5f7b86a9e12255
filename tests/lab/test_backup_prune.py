"""Old backups removed on a host: what nothing holds any more, and never anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.lab.place import Place
from schedgen_ops.release import record
from schedgen_ops.release.record import ReleaseId

NOW = datetime.now(UTC).replace(microsecond=0)
COMMIT = "a" * 40


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(backup={"keep_days": 7, "keep": 2})


def _backup(
    days: float, kind: m.Kind = m.Kind.MANUAL, state: m.BackupState = m.BackupState.DONE
) -> m.Manifest:
    made = NOW - timedelta(days=days)
    stamp = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    files = (m.File("database.sql.gz", 5000, "0" * 64),) if state is m.BackupState.DONE else ()
    return m.Manifest(m.backup_id(kind, made), "", COMMIT, state, stamp, stamp, files)


def _place(host: Box, backups: Sequence[m.Manifest]) -> None:
    for backup in backups:
        folder = f"backups/{backup.id}"
        host.sh(f"mkdir -p {folder}; cat > {folder}/manifest.json <<'END'\n{m.to_json(backup)}\nEND")
        host.sh(f"head -c 5000 /dev/zero > {folder}/database.sql.gz")


_FOREIGN = """
mkdir -p backups/notes backups/weekly-20200101_000000 backups/manual-20200101 elsewhere
touch backups/dump.sql backups/manual-20200102_000000
ln -s ../elsewhere backups/manual-20200103_000000
"""
NOT_OURS = {
    "notes",
    "weekly-20200101_000000",
    "manual-20200101",
    "dump.sql",
    "manual-20200102_000000",
    "manual-20200103_000000",
}


_ASIDE = """
psql() { docker compose exec -T postgres psql -qXtA -U schedgen -d schedgen -c "$1" </dev/null; }
psql 'CREATE DATABASE schedgen_before_20200101_000000'
mark='COMMENT ON DATABASE schedgen_before_20200101_000000'
psql "$mark IS 'schedgen restore of \\"schedgen\\" 20200101_000000'"
psql 'CREATE DATABASE schedgen_before_20200105_000000'
psql 'CREATE DATABASE somebody_elses_before_20200101_000000'
in_store() { docker compose exec -T minio sh -c "$1" </dev/null; }
in_store 'mkdir -p /data/.schedgen-before-20200102_000000 /data/.schedgen-before-20200103_000000'
in_store 'echo schedgen restore 20200102_000000 > /data/.schedgen-before-20200102_000000/mark'
in_store 'echo precious > /data/.schedgen-before-20200103_000000/note'
"""
# What only looks like a restore's.
UNMARKED = [
    "schedgen_before_20200105_000000",
    "somebody_elses_before_20200101_000000",
    ".schedgen-before-20200103_000000",
]
_LEFT_ASIDE = """
docker compose exec -T postgres psql -qXtA -U schedgen -d schedgen </dev/null -c \
  "SELECT datname FROM pg_database WHERE datname LIKE '%before%' ORDER BY 1"
docker compose exec -T minio ls -A /data </dev/null | grep before || true
"""


def _release(host: Box, backup: m.Manifest) -> str:
    identity = record.new_id("20200101_000000", COMMIT)
    release = record.Release(
        ReleaseId(identity), "v1", COMMIT, record.State.DONE, backup=f"backups/{backup.id}"
    )
    folder = f".schedgen/releases/{identity}"
    text = record.to_json(release)
    host.sh(f"mkdir -p {folder}; cat > {folder}/release.json <<'END'\n{text}\nEND")
    return identity


def test_only_what_nothing_holds_goes_and_only_after_a_yes(op: Operator, host: Box) -> None:
    proof = m.DrillResult((NOW - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"), 3.0, "passed")
    newest, second, young = _backup(1), _backup(2), _backup(6)
    needed, proven = _backup(20, m.Kind.PRE_DEPLOYMENT), replace(_backup(30), drill=proof)
    old, older = _backup(10), _backup(40)
    failed, old_failed = _backup(3, state=m.BackupState.FAILED), _backup(12, state=m.BackupState.FAILED)
    safety = _backup(9, m.Kind.SAFETY)
    _place(host, [newest, second, young, needed, proven, old, older, failed, old_failed, safety])
    release = _release(host, needed)
    host.sh(_ASIDE)
    host.sh(f"{_FOREIGN} mkdir backups/{_backup(0.5).id}.part")
    there = set(kit.backups(host))
    goes = {old.id, older.id, old_failed.id, safety.id, f"{_backup(0.5).id}.part"}
    aside = {"schedgen_before_20200101_000000", ".schedgen-before-20200102_000000"}

    asked = op("backup.prune")
    assert asked.code == 2, asked.output
    for name, verdict in ((old.id, "remove"), (newest.id, "keep"), (needed.id, "keep")):
        assert any(name in line and verdict in line for line in asked.stdout.splitlines())
    assert f"release {release} may need it" in asked.stdout
    assert "the newest that a drill has proven" in asked.stdout
    assert set(kit.backups(host)) == there

    done = op.document("backup.prune", "--yes")
    assert done["exit_code"] == 0
    assert set(done["host_facts"][host.name]["removed"]) == goes | aside
    assert host.sh(_LEFT_ASIDE).split() == UNMARKED
    assert set(kit.backups(host)) == there - goes
    assert set(kit.backups(host)) >= NOT_OURS
    assert host.sh("ls -d elsewhere") == "elsewhere"

    again = op("backup.prune", "--yes")
    assert again.code == 0, again.output
    assert "remove" not in again.stdout
    assert set(kit.backups(host)) == there - goes


_SMALL = """
for folder in .schedgen backups; do
  mkdir -p "$folder"; mount -t tmpfs -o size=128k,mode=700,uid="$(id -u deploy)" tmpfs "$folder"
done
"""
_FILLED = """
for folder in .schedgen backups; do
  cat /dev/zero > "$folder/fill" || true; echo x > "$folder/one" || true
done 2>&1
"""


def test_a_full_disk_keeps_nothing_from_what_makes_room(op: Operator, host: Box) -> None:
    newest, second, old = _backup(1), _backup(2), _backup(10)
    host.sh(_SMALL, user="root")
    try:
        _place(host, [newest, second, old])
        assert host.sh(_FILLED).count("No space left") == 4
        pruned = op("backup.prune", "--yes")
        recovered = op("deploy.recover")
        left = set(kit.backups(host))
    finally:
        host.sh("umount .schedgen backups", user="root")
    assert pruned.code == 0, pruned.output
    assert recovered.code == 0, recovered.output
    assert left & {newest.id, second.id, old.id} == {newest.id, second.id}
