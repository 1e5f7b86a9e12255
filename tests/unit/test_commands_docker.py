"""Docker, Compose and PostgreSQL: the words that are sent, the scripts that run, and the answers read."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit import bash, parses, path, program, recorded

from schedgen_ops.backup import commands as backup
from schedgen_ops.commands import files, git, http, postgres
from schedgen_ops.commands.compose import Compose, Port, parse_resolved, parse_services
from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.deploy import preview
from schedgen_ops.lock import commands as lock
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command
from schedgen_ops.verify import commands as verify

PLAIN, SUDO = Docker(), Docker(sudo=True)
COMPOSE = Compose(PLAIN, "schedgen", "/srv/schedgen")
OWNER = lock.Owner("ann", "laptop", "now", "deploy", "v1")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (PLAIN.version(), "docker version --format '{{.Server.Version}}'"),
        (SUDO.version(), "sudo -n docker version --format '{{.Server.Version}}'"),
        (PLAIN.has_buildx(), "docker buildx version"),
        (PLAIN.tag("sha256:1", "p-web:r1"), "docker tag sha256:1 p-web:r1"),
        (PLAIN.image_ids("a", "b"), "docker image inspect --format '{{.Id}}' a b"),
        (PLAIN.untag("a:1", "b:1"), "docker rmi a:1 b:1"),
        (PLAIN.logs("c", 20), "{ docker logs --tail 20 c; } 2>&1"),
        (PLAIN.remove("c", "d"), "docker rm --force c d"),
        (
            PLAIN.one_off("p", "r1"),
            "docker ps --all --quiet --filter label=com.docker.compose.project=p "
            "--filter label=com.docker.compose.oneoff=True --filter label=schedgen.release=r1",
        ),
        (
            PLAIN.images("p-*"),
            "docker images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' 'p-*'",
        ),
        (COMPOSE.version(), "docker compose version --short"),
        (
            postgres.size(PLAIN, "c1", "schedgen", "db"),
            'docker exec -i c1 sh -c \'export PGPASSWORD="${POSTGRES_PASSWORD-}"; exec "$@"\' sh '
            "psql -X -q -A -t -F '\t' -v ON_ERROR_STOP=1 --no-password -U schedgen -d db "
            "-c 'SELECT pg_database_size(current_database())'",
        ),
    ],
)
def test_a_command_is_these_words(command: Command, text: str) -> None:
    assert command.text == text


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
        (COMPOSE.stop("/r", "web"), "-f|/r/compose.yaml|rm|--stop|--force|web|"),
    ],
)
def test_compose_is_called_on_a_releases_own_definition(command: Command, words: str, tmp_path: Path) -> None:
    assert said(command, tmp_path) == f"compose|--project-name|schedgen|{words}"


def test_the_classic_builder_is_asked_for_where_buildx_is_absent(tmp_path: Path) -> None:
    classic = replace(COMPOSE, classic=True)
    assert said(classic.build("/r", "web"), tmp_path, 'echo "$DOCKER_BUILDKIT"') == "0\n"
    assert said(COMPOSE.build("/r", "web"), tmp_path, 'echo "$DOCKER_BUILDKIT"') == "\n"
    # sudo resets the environment: the variable is set behind it.
    words = said(replace(classic, docker=SUDO).build("/r", "web"), tmp_path, name="sudo")
    assert words.startswith("-n|env|DOCKER_BUILDKIT=0|docker|compose|")


CONFIG = """
case "$*" in
  *"config --hash"*) echo "web 123" ;;
  *"config --format json"*) echo '{"services": {"web": {"image": "web:1"}}}' ;;
  *config) echo "services: {}" ;;
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
    assert (release / "owner.yaml").read_text() == "services: {}\n"
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
        f"compose|--project-name|schedgen|-f|{release}/owner.yaml|-f|{release}/overlay.json|config|"
    )
    assert (release / "compose.yaml").stat().st_mode & 0o077 == 0


def test_containers_are_listed_only_where_there_are_any(tmp_path: Path) -> None:
    body = 'case $1 in ps) printf "%s" "$IDS" ;; inspect) echo "inspect ${*: -2}" ;; esac'
    programs = program(tmp_path / "bin", "docker", body).parent
    none = bash(PLAIN.containers("p"), tmp_path, PATH=path(programs), IDS="")
    assert (none.ok, none.stdout) == (True, "")
    two = bash(PLAIN.containers("p"), tmp_path, PATH=path(programs), IDS="id1\nid2\n")
    assert two.stdout == "inspect id1 id2\n"
    programs = program(tmp_path / "bin", "docker", "echo no daemon >&2; exit 1").parent
    assert not bash(PLAIN.containers("p"), tmp_path, PATH=path(programs)).ok


def test_the_password_is_in_no_argv_of_the_host(tmp_path: Path) -> None:
    dump = postgres.dump(PLAIN, "c1", "schedgen", "schedgen")
    assert dump.secrets == ()
    # The stand-in runs what would run inside the container.
    body = 'shift 3; exec "$@"'
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "pg_dump", 'echo "$PGPASSWORD" "$@"')
    programs = program(tmp_path / "bin", "docker", body).parent
    answer = bash(dump, tmp_path, PATH=path(programs), POSTGRES_PASSWORD="it's $x")
    assert answer.stdout == "it's $x --clean --if-exists --no-password -U schedgen -d schedgen\n"


# Answers


def test_recorded_containers_are_read() -> None:
    found = {box.service: box for box in parse_containers(recorded("containers.jsonl"))}
    assert list(found) == [
        "backend",
        "frontend",
        "grafana",
        "minio",
        "pdf-worker",
        "postgres",
        "prometheus",
        "redis",
    ]
    backend = found["backend"]
    assert backend.name == "schedgen-backend-1"
    assert (backend.status, backend.health, backend.good, backend.state) == (
        "running",
        "healthy",
        True,
        "healthy",
    )
    assert (backend.release, backend.definition) == ("", "")
    assert backend.image.startswith("sha256:")
    assert backend.image_name == "schedgen-backend"
    assert len(backend.written) == 64


def box(**changes: Any) -> str:
    item: dict[str, Any] = json.loads(recorded("containers.jsonl").splitlines()[0])
    labels = item["labels"] | changes.pop("labels", {})
    return json.dumps(item | {"labels": labels} | changes)


def test_one_off_containers_of_compose_run_are_passed_over() -> None:
    assert parse_containers(box(labels={"com.docker.compose.oneoff": "True"})) == ()


def test_our_labels_are_read_and_no_labels_at_all_are_none() -> None:
    (ours,) = parse_containers(box(labels={"schedgen.release": "r1", "schedgen.definition": "d1"}))
    assert (ours.release, ours.definition) == ("r1", "d1")
    item = json.loads(box()) | {"labels": None}
    assert parse_containers(json.dumps(item))[0].service == ""


@pytest.mark.parametrize(
    ("changes", "good", "state"),
    [
        ({"health": ""}, True, "running"),
        ({"health": "starting"}, False, "starting"),
        ({"health": "unhealthy"}, False, "unhealthy"),
        ({"status": "exited", "exit_code": 1, "health": ""}, False, "exited (1)"),
        ({"status": "dead", "exit_code": 137, "oom": True}, False, "dead (137, out of memory)"),
        ({"status": "restarting", "health": ""}, False, "restarting"),
        ({"status": "created", "health": ""}, False, "created"),
    ],
)
def test_a_container_is_good_or_says_what_it_is(changes: dict[str, Any], good: bool, state: str) -> None:
    (found,) = parse_containers(box(**changes))
    assert (found.good, found.state) == (good, state)


def test_no_containers_are_none() -> None:
    assert parse_containers("") == ()


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


# Syntax

CHECK = Check(name="web", url="http://localhost/")
EVERY = (
    PLAIN.containers("p"),
    COMPOSE.resolve("/r"),
    COMPOSE.pin("/r", "{}"),
    COMPOSE.up("/r", "web", 3),
    COMPOSE.logs("/r", "web", 3),
    files.names_set(".env"),
    files.writable("/x"),
    files.replace("/x", "y"),
    files.load(),
    git.work_tree("a"),
    git.fetch("origin"),
    git.resolve("origin", "main"),
    git.changes("a", "b"),
    http.get("http://localhost/", 3),
    backup.create("b", "true", "true"),
    backup.list_("b"),
    lock.hold("/s", OWNER, 60),
    lock.who("/s"),
    lock.break_("/s"),
    store.read_command(Paths("/srv/p")),
    verify.settle(PLAIN, ["a"], 3),
    verify.watch([CHECK], 3, 1, 10),
)


def scripts(command: Command) -> list[str]:
    """The command's own text, and every script that it hands to another bash."""
    done = subprocess.run(
        ["bash", "-c", f"bash() {{ printf '%s\\0' \"$@\"; }}; {command.text}"],
        capture_output=True,
        check=False,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    words = done.stdout.decode().split("\0") if command.text.startswith("bash ") else []
    return [command.text, *words[3:4]]


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_every_script_is_good_syntax(command: Command) -> None:
    for text in scripts(command):
        assert parses(text) == ""


def test_the_script_of_the_preview_is_good_syntax() -> None:
    assert parses(preview._LOOK) == ""
