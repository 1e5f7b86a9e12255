"""The recovery of an environment without data: all of it comes back, and no backup is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import test_tasks
from fakes import FakeHost
from test_backup_restore import boxes
from test_backup_tasks import ready, verified
from test_tasks import Capture, Inv

__all__ = ["verified"]

BARE = {"project": "schedgen", "directory": "/srv/schedgen", "hosts": [{"name": "app1", "address": "app1"}]}
inv = test_tasks.inv


@pytest.fixture
def bare(inv: Inv, tmp_path: Path) -> FakeHost:
    """A host of such an environment, which nobody backed up."""
    (tmp_path / "config/staging.yaml").write_text(json.dumps(BARE))
    on = ready()
    del on.answers["list backups"]
    on.answers["write /srv/schedgen/.schedgen/recovering"] = ""
    return on


@pytest.mark.usefixtures("verified")
def test_without_tiers_each_service_is_started_once(inv: Inv, bare: FakeHost) -> None:
    services = "backend", "minio", "postgres"
    bare.answers["docker inspect"] = boxes(*services)
    assert inv("emergency.recover", "--yes", on=[bare]) == 0
    started = [command.title for command in bare.commands if "up --detach" in command.text]
    assert [sum(name in title for title in started) for name in services] == [1, 1, 1], started


@pytest.mark.usefixtures("verified")
def test_everything_is_taken_down_and_started_again(inv: Inv, bare: FakeHost, capsys: Capture) -> None:
    assert inv("emergency.recover", "--yes", on=[bare]) == 0
    done = [command.title for command in bare.commands]
    started = [number for number, text in enumerate(bare.texts) if "up --detach" in text]
    assert done.index("docker compose down --remove-orphans") < started[0]
    assert done[started[0]].endswith("backend minio postgres")
    assert not {"list backups", "verify the backup", "back up", "restore beside", "swap"} & {*done}
    said = capsys.readouterr()
    assert "Everything serves again" in said.out
    assert not re.search("backup|data", said.out + said.err, re.IGNORECASE)


def test_it_asks_first(inv: Inv, bare: FakeHost, capsys: Capture) -> None:
    assert inv("emergency.recover", on=[bare]) == 2
    assert "Do you want to proceed?" in capsys.readouterr().err
    assert bare.commands == []


def test_a_backup_that_is_named_is_refused(inv: Inv, bare: FakeHost, capsys: Capture) -> None:
    assert inv("emergency.recover", "--id", "manual-", "--yes", on=[bare]) == 3
    assert "hold no data that a backup could replace" in capsys.readouterr().err
    assert bare.commands == []
