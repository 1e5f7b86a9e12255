"""Backups that find too little room: before they start, and when the disk fills under their hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

_FILL_SOON = """
nohup bash -c 'until ls -d backups/*.part; do sleep 0.02; done
  until mount -o remount,size=$(($(df -k --output=used backups | tail -n 1) + 64))k backups; do :; done' \
  >/dev/null 2>&1 </dev/null &
"""


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


@contextmanager
def _small(host: Box, size: str) -> Iterator[None]:
    """A disk of that size where the backups go."""
    host.sh("mkdir -p backups")
    before = f"mount -t tmpfs -o size={size},uid=$(stat -c %u .),mode=700 tmpfs backups"
    with kit.as_root(host, before, "umount backups"):
        yield


def test_too_little_room_is_refused_with_the_figures(op: Operator, host: Box) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    with _small(host, "12m"):
        for words in (("backup",), ("deploy", "--branch", "v1.2.3")):
            ran = op(*words)
            assert ran.code == 3, ran.output
            assert "12.0 MiB are free for it" in ran.stderr
            assert kit.in_order(ran.stderr, ("outcome: nothing was changed", "database", "MiB", "prune"))
            assert kit.backups(host) == ()
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)


def test_a_disk_that_fills_midway_leaves_the_good_backup_the_last_one(op: Operator, host: Box) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    with _small(host, "200m"):
        assert op("backup.database").code == 0
        (good,) = kit.backups(host)
        host.sh(f"truncate -s 0 backups/{good}/database.sql.gz")  # what it holds is of no matter here
        for words, code in ((("backup",), 5), (("deploy", "--branch", "v1.2.3"), 4)):
            host.sh("mount -o remount,size=200m backups", user="root")
            host.sh(_FILL_SOON, user="root")
            ran = op(*words)
            assert ran.code == code, ran.output
            assert kit.in_order(ran.stderr, ("the disk is full", "No space left", "Free some space"))
            assert "Step 3" not in ran.stdout
            assert not [name for name in kit.backups(host) if name.endswith(".part")]
            assert op.document("backup.last")["result"]["Backup"] == good
        states = [row["state"] for row in op.document("backup.list")["result"]]
        assert sorted(states) == ["DONE", "FAILED", "FAILED"]
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)
