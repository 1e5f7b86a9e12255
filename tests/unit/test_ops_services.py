"""Single operations: which services are meant, and what their scripts ask of Docker."""

from __future__ import annotations

import os
from pathlib import Path

import kit
import pytest

from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import ConfigError
from schedgen_ops.ops import remote_commands, services

DOCKER = Docker()


def test_services_are_named_once_and_an_unknown_one_is_told_with_those_there_are() -> None:
    assert services.chosen("redis, backend,redis", ("backend", "redis")) == ("redis", "backend")
    with pytest.raises(ConfigError, match="no service bakend in this environment") as error:
        services.chosen("bakend,redis", ("redis", "backend"))
    assert error.value.hint == "There are: backend, redis."
    with pytest.raises(ConfigError):
        services.chosen(" , ", ("backend",))


def test_room_is_made_without_touching_volumes_containers_or_named_images(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    for name in ("old.log", "new.log", "release.json"):
        (tmp_path / "release" / name).write_text("x")
    os.utime(tmp_path / "release" / "old.log", (1, 1))
    os.utime(tmp_path / "release" / "release.json", (1, 1))
    kit.program(
        tmp_path / "bin", "docker", f'echo "$*" >> {tmp_path}/asked; echo "Total reclaimed space: 1GB"'
    )
    done = kit.bash(
        remote_commands.prune(DOCKER, str(tmp_path / "release")), tmp_path, PATH=kit.path(tmp_path / "bin")
    )
    assert done.ok, done.stderr
    assert (tmp_path / "asked").read_text() == "builder prune --all --force\nimage prune --force\n"
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == ["new.log", "release.json"]


def test_what_may_go_is_told_in_docker_s_words(tmp_path: Path) -> None:
    said = "Images\t1.2GB (50%)\t12\nBuild Cache\t340MB\t7\ndangling\t3\t\nlog\t120\t/srv/x.log"
    assert remote_commands.parse_waste(said) == remote_commands.Waste("340MB", 3, ((120, "/srv/x.log"),))
    with pytest.raises(ValueError, match="docker says nothing"):
        remote_commands.parse_waste("")
    kit.program(tmp_path / "bin", "docker", "exit 1")
    asked = remote_commands.waste(DOCKER, str(tmp_path))
    assert not kit.bash(asked, tmp_path, PATH=kit.path(tmp_path / "bin")).ok


@pytest.mark.parametrize(
    ("state", "code", "reason"),
    [
        ("running healthy 0", 0, ""),
        ("running unhealthy 0", 1, "is unhealthy"),
        ("exited none 3", 1, "exit code 3"),
    ],
)
def test_a_restart_ends_well_only_where_the_container_was_seen_well(
    tmp_path: Path, state: str, code: int, reason: str
) -> None:
    kit.program(tmp_path / "bin", "docker", f'case $1 in inspect) echo "{state}" ;; events) sleep 1 ;; esac')
    asked = remote_commands.restart(DOCKER, ["a1"], 5)
    done = kit.bash(asked, tmp_path, PATH=kit.path(tmp_path / "bin"))
    assert done.code == code
    assert reason in done.stderr


def test_a_session_is_ended_by_its_number_alone() -> None:
    database = kit.settings().database
    assert database
    asked = remote_commands.end_session(DOCKER, "schedgen", database, 42)
    assert "pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 42 AND" in asked.text
