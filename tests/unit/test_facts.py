"""What one look at the engine tells, and what is asked by itself where that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import bash, path, program

from schedgen_ops.command_errors import lacks_compose
from schedgen_ops.commands import disks, facts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.parallel_batch import results, together
from schedgen_ops.remote import Result

PLAIN = Docker()
# Notes each of its starts.
DOCKER = """
echo "$1" >> asked
case "$1 $2" in
  "info --format") {info} ;;
  "version --format") echo 20.10.24 ;;
  "compose version") echo 5.6.1 ;;
  "buildx version") echo github.com/docker/buildx v0.20 ;;
esac"""
TOLD = "printf '%s\\n' 'compose v5.6.1' 'buildx v0.20.1' 'engine 20.10.24' 'root /dev/shm' 'driver extfs'"
AWAY = "echo Cannot connect to the Docker daemon >&2; exit 1"


def look(folder: Path, body: str, docker: Docker = PLAIN, name: str = "docker") -> dict[str, Result]:
    asked = {
        "engine": facts.engine(docker),
        "compose": facts.compose(docker),
        "buildx": facts.buildx(docker),
        "detour": facts.no_detour(docker),
        "disk": disks.spaces(docker, str(folder)),
    }
    programs = path(program(folder / "bin", name, body).parent)
    said = bash(together(list(asked.values()), 20), folder, PATH=programs)
    return dict(zip(asked, results(said.stdout, len(asked), 20), strict=True))


def test_one_start_of_docker_tells_all_of_it(tmp_path: Path) -> None:
    found = look(tmp_path, DOCKER.format(info=TOLD))
    assert [found[name].text for name in ("engine", "compose", "buildx")] == ["20.10.24", "5.6.1", "0.20.1"]
    kinds = {space.kind: space.mount for space in disks.parse_spaces(found["disk"].stdout).found}
    assert kinds["docker"] == "/dev/shm"
    assert (tmp_path / "asked").read_text() == "info\n"


def test_a_host_where_ports_cannot_be_led_elsewhere_says_why(tmp_path: Path) -> None:
    program(tmp_path / "bin", "iptables", "")
    assert look(tmp_path, DOCKER.format(info=TOLD))["detour"].text == ""
    rootless = TOLD.replace(
        "'engine", "'security name=seccomp,profile=builtin' 'security name=rootless' 'engine"
    )
    assert look(tmp_path, DOCKER.format(info=rootless))["detour"].text == "Docker is rootless here"


def test_a_plugin_that_is_not_there_is_not(tmp_path: Path) -> None:
    found = look(tmp_path, DOCKER.format(info=TOLD.replace("'buildx v0.20.1'", "")))
    assert not found["buildx"].ok
    assert (tmp_path / "asked").read_text() == "info\n"


@pytest.mark.parametrize("info", ["exit 1", "printf 'engine \\nroot \\n'; exit 1", "true"])
def test_what_is_not_told_is_asked_by_itself(tmp_path: Path, info: str) -> None:
    found = look(tmp_path, DOCKER.format(info=info))
    assert [found[name].text for name in ("engine", "compose")] == ["20.10.24", "5.6.1"]
    assert not disks.parse_spaces(found["disk"].stdout).docker


def test_what_is_wrong_is_told_in_dockers_own_words(tmp_path: Path) -> None:
    body = DOCKER.format(info="echo 'compose v5.6.1'; exit 1").replace("echo 20.10.24", AWAY)
    found = look(tmp_path, body)
    assert (found["engine"].code, found["engine"].stderr) == (1, "Cannot connect to the Docker daemon")
    assert found["compose"].text == "5.6.1"
    missing = TOLD.replace("'compose v5.6.1'", "")
    refusal = """echo "docker: 'compose' is not a docker command." >&2; exit 1"""
    found = look(tmp_path, DOCKER.format(info=missing).replace("echo 5.6.1", refusal))
    assert lacks_compose(found["compose"])
    assert found["engine"].text == "20.10.24"


def test_where_docker_takes_sudo_all_of_it_is_asked_through_sudo(tmp_path: Path) -> None:
    refused = look(tmp_path, "echo sudo: a password is required >&2; exit 1", Docker(sudo=True), "sudo")
    assert refused["engine"].stderr == "sudo: a password is required"
    assert not refused["compose"].ok
