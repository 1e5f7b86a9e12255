"""Docker Compose: called on a release's own definition, and its answers read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from kit import bash, path, program, recorded

from schedgen_ops.commands.compose import Compose, Port, parse_resolved, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command

PLAIN, SUDO = Docker(), Docker(sudo=True)
COMPOSE = Compose(PLAIN, "schedgen", "/srv/schedgen")


def said(command: Command, tmp_path: Path, body: str = 'printf "%s|" "$@"', name: str = "docker") -> str:
    """What a stand-in for docker was called with."""
    programs = program(tmp_path / "bin", name, body).parent
    answer = bash(command, tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    return answer.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (COMPOSE.pull("/r", "redis", "minio"), "-f|/r/owner.yaml|pull|redis|minio|"),
        (COMPOSE.build("/r", "web"), "-f|/r/compose.yaml|build|web|"),
        (COMPOSE.build("/r", "web", pull=True), "-f|/r/compose.yaml|build|--pull|web|"),
        (
            COMPOSE.up("/r", "web", 300),
            "-f|/r/compose.yaml|up|--detach|--no-deps|--no-build|--force-recreate|--pull|never|"
            "--wait|--wait-timeout|300|web|",
        ),
        (
            COMPOSE.run("/r", "backend", "npm", "run", "a b"),
            "-f|/r/compose.yaml|run|--rm|--no-deps|--no-TTY|backend|npm|run|a b|",
        ),
        (
            COMPOSE.logs("/r", "web", 200),
            "-f|/r/compose.yaml|logs|--no-color|--no-log-prefix|--tail|200|web|",
        ),
    ],
)
def test_compose_is_called_on_a_releases_own_definition(command: Command, words: str, tmp_path: Path) -> None:
    assert said(command, tmp_path) == f"compose|--project-name|schedgen|{words}"


def test_the_classic_builder_is_asked_for_where_buildx_is_absent(tmp_path: Path) -> None:
    classic = replace(COMPOSE, classic=True)
    assert said(classic.build("/r", "web"), tmp_path, 'echo "$DOCKER_BUILDKIT"') == "0\n"
    assert said(COMPOSE.build("/r", "web"), tmp_path, 'echo "$DOCKER_BUILDKIT"') == "\n"
    # sudo resets the environment, and may allow nothing but docker: it is told the variable.
    words = said(replace(classic, docker=SUDO).build("/r", "web"), tmp_path, name="sudo")
    assert words.startswith("-n|DOCKER_BUILDKIT=0|docker|compose|")


CONFIG = """
case "$*" in
  *"config --hash"*) echo "web 123" ;;
  *"config --format json"*) echo '{"services": {"web": {"image": "web:1"}}}' ;;
esac
echo "$PWD $*" >> "$HOME/calls"
"""


def test_the_owners_definition_is_resolved_once_and_kept_unread_by_others(tmp_path: Path) -> None:
    project = tmp_path / "it's a project"
    project.mkdir()
    release = tmp_path / "state/releases/r1"
    compose = Compose(PLAIN, "p", str(project), files=("a.yaml", "b c.yaml"), env_file="prod.env")
    answer = said(compose.resolve(str(release)), tmp_path, CONFIG)
    assert [service.name for service in parse_resolved(answer)] == ["web"]
    assert (release / "owner.yaml").read_text() == '{"services": {"web": {"image": "web:1"}}}\n'
    assert (release / "owner.yaml").stat().st_mode & 0o077 == 0
    assert release.stat().st_mode & 0o077 == 0
    for line in (tmp_path / "calls").read_text().splitlines():
        assert line.startswith(
            f"{project} compose --project-name p --env-file prod.env -f a.yaml -f b c.yaml config"
        )


def test_a_definition_that_is_no_good_says_why(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", "echo 'services.web: bad' >&2; exit 15").parent
    compose = replace(COMPOSE, directory=str(tmp_path))
    answer = bash(compose.resolve(str(tmp_path / "r")), tmp_path, PATH=path(programs))
    assert (answer.code, answer.stderr) == (15, "services.web: bad\n")
    assert not bash(replace(COMPOSE, directory="/nowhere").resolve(str(tmp_path / "r")), tmp_path).ok


def test_a_releases_own_definition_is_the_owners_under_ours(tmp_path: Path) -> None:
    release = tmp_path / "r 1"
    release.mkdir()
    said(COMPOSE.pin(str(release), '{"services": {}}'), tmp_path, 'printf "%s|" "$@"')
    assert (release / "overlay.json").read_text() == '{"services": {}}'
    assert (release / "compose.yaml").read_text() == (
        f"compose|--project-name|schedgen|-f|{release}/owner.yaml|-f|{release}/overlay.json|config|--format|json|"
    )
    assert (release / "compose.yaml").stat().st_mode & 0o077 == 0


def test_a_recorded_compose_file_is_read_without_its_secrets() -> None:
    found = {service.name: service for service in parse_resolved(recorded("compose.txt"))}
    assert len(found) == 8
    assert [name for name, service in found.items() if service.built] == ["backend", "frontend", "pdf-worker"]
    assert found["backend"].context == "/srv/schedgen/backend"
    assert found["backend"].ports == (Port(3001, 3001),)
    assert found["redis"].image == "lab/redis:7"
    assert found["prometheus"].mounts == ("/srv/schedgen/monitoring/prometheus.yml",)
    assert all(len(service.definition) == 64 and service.replicas == 1 for service in found.values())
    assert "PASSWORD" not in str(found)
    assert "***" not in str(found)


def test_what_compose_says_in_rarer_words_is_read() -> None:
    document = {
        "services": {
            "web": {
                "image": "web:1",
                "ports": [{"target": 80, "published": "8080"}, {"target": 81}],
                "volumes": [{"type": "volume", "source": "data"}, {"type": "bind", "source": "/srv/p/conf"}],
                "configs": [{"source": "app"}, {"source": "elsewhere"}],
                "secrets": [{"source": "key"}],
                "deploy": {"replicas": 3},
            },
            "worker": {"build": {"context": "/srv/p"}, "scale": 2, "deploy": None},
        },
        "configs": {"app": {"file": "/srv/p/app.conf"}, "elsewhere": {"external": True}},
        "secrets": {"key": {"file": "/srv/p/key"}},
    }
    web, worker = parse_services(document, {"web": "1"})
    assert (web.ports, web.replicas, web.definition) == ((Port(8080, 80),), 3, "1")
    assert web.odd_ports, "a port that Docker chooses cannot be taken over"
    assert web.mounts == ("/srv/p/app.conf", "/srv/p/conf", "/srv/p/key")
    assert (worker.built, worker.image, worker.replicas, worker.definition) == (True, "", 2, "")
    assert parse_services({}, {}) == ()


@pytest.mark.parametrize("text", ["", "hello", "web 1\n--\n", "--\n{"])
def test_what_is_no_compose_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_resolved(text)
