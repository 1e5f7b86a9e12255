"""Docker and PostgreSQL: the words that are sent, the scripts that run, the answers read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kit import bash, path, program, recorded

from schedgen_ops.commands import postgres
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.host_scripts import joined
from schedgen_ops.shell import Command, script

PLAIN, SUDO = Docker(), Docker(sudo=True)
COMPOSE = Compose(PLAIN, "schedgen", "/srv/schedgen")


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
            'docker exec -i c1 sh -c \'export PGPASSWORD="${POSTGRES_PASSWORD-}"\nexec "$@"\' sh '
            "psql -X -q -A -t -v ON_ERROR_STOP=1 --no-password -F '\t' -U schedgen -d db "
            "-c 'SELECT pg_database_size(current_database())'",
        ),
    ],
)
def test_a_command_is_these_words(command: Command, text: str) -> None:
    assert command.text == text


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
    setting = "docker=(docker) db=c1 user=schedgen name=schedgen snapshot=00-1"
    dump = script(f"{joined('databases/postgres.bash')}{setting}; db_dump plain")
    # The stand-in runs what would run inside the container.
    body = 'shift 3; exec "$@"'
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "pg_dump", 'echo "$PGPASSWORD" "$@"')
    programs = program(tmp_path / "bin", "docker", body).parent
    secret = {"PATH": path(programs), "POSTGRES_PASSWORD": "it's $x"}
    answer = bash(dump, tmp_path, **secret)
    assert answer.stdout.startswith("it's $x --clean --if-exists --no-password ")
    assert answer.stdout.endswith("-U schedgen -d schedgen --snapshot=00-1\n")


VANISHED = """
case $1 in
  ps) printf 'id1\\nid2\\n' ;;
  inspect) echo '{"here": 1}'; printf '%s\\n' "$SAID" >&2; exit 1 ;;
esac"""


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        ("Error: No such object: id2", True),
        ("error: no such object: id2", True),
        ("Error response from daemon: No such container: id2\nError: No such object: id3", True),
        ("Error: No such object: id2\nCannot connect to the Docker daemon at unix:///x.", False),
        ("permission denied", False),
        ("", False),
    ],
)
def test_a_container_that_went_since_it_was_listed_is_passed_over(
    tmp_path: Path, said: str, passed: bool
) -> None:
    programs = program(tmp_path / "bin", "docker", VANISHED).parent
    answer = bash(PLAIN.containers("p"), tmp_path, PATH=path(programs), SAID=said)
    assert answer.ok is passed
    assert answer.stdout == '{"here": 1}\n'
    assert passed or answer.stderr


def test_an_empty_line_is_no_container() -> None:
    # What Docker prints when all that was asked for is gone.
    assert parse_containers("\n") == ()


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
