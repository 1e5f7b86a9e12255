"""`inv db < file.sql` over a real sshd, to a client that writes down what it is told: all, or nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from box import ROOT
from screen import INV
from sshd import Sshd, sshd

HALF = b"DELETE FROM users\n"
LISTED = {
    **{"id": "c1", "name": "/p-db-1", "image": "i", "image_name": "i", "status": "running"},
    **{"health": "", "started": "", "restarts": 0, "exit_code": 0, "oom": False, "grace": None},
    "labels": {"com.docker.compose.service": "db", "com.docker.compose.project": "p"},
}
# A container is a session of its own, to which the engine's client hands its input; the database's client
# writes down what it read to the end.
DOCKER = """#!/bin/bash
case $1 in
  ps) echo c1 ;;
  inspect) cat "${0%/*}/listed" ;;
  exec) while [ "$1" != c1 ]; do shift; done; shift; cat | setsid --wait "$@" ;;
esac
"""
PSQL = '#!/bin/bash\ncat > "${0%/*}/read"; mv "${0%/*}/read" "${0%/*}/executed"; echo done; exit 3\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    """A host with that engine and that client, whose sessions begin with them."""
    (tmp_path / "listed").write_text(json.dumps(LISTED) + "\n")
    for name, text in (("docker", DOCKER), ("psql", PSQL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    with sshd(tmp_path / "sshd", f"SetEnv HOME={tmp_path} PATH={tmp_path}:{os.environ['PATH']}") as running:
        yield running


@pytest.fixture
def env(server: Sshd, tmp_path: Path) -> dict[str, str]:
    ssh = {"config_file": None, "identity_file": str(server.key), "known_hosts": str(server.known_hosts)}
    host = {"name": "app1", "address": "127.0.0.1", "port": server.port}
    config = {"project": "p", "directory": str(tmp_path), "hosts": [host], "ssh": {**ssh, "agent": False}}
    config["database"] = {"service": "db", "user": "u", "name": "d"}
    (tmp_path / "term.yaml").write_text(json.dumps(config))
    own = {"SCHEDGEN_CONFIG": str(tmp_path), "SCHEDGEN_ENV": "term", "SCHEDGEN_STATE": str(tmp_path / "s")}
    return {**os.environ, **own, "PYTHONPATH": str(ROOT)}


@contextmanager
def begun(env: dict[str, str], server: Sshd) -> Iterator[subprocess.Popen[bytes]]:
    """`inv db` that has read some statements, and half of another; afterwards nothing of it runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*INV, "db"], env=env, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        process.stdin.write(b"SELECT 1;\n" * 100_000 + HALF)
        process.stdin.flush()
        yield process
        process.stdin.close()
    end = time.monotonic() + 20
    while (server.sessions() or (server.folder.parent / "read").exists()) and time.monotonic() < end:
        time.sleep(0.05)


def executed(folder: Path) -> bytes | None:
    return path.read_bytes() if (path := folder / "executed").exists() else None


def test_all_statements_arrive_as_they_are_with_the_code_of_the_client(
    env: dict[str, str], tmp_path: Path
) -> None:
    data = b"SELECT '\xc3\xa9 \xff $(id) %s';\r\n" * 100_000 + b"\n\n"
    ran = subprocess.run([*INV, "db"], env=env, input=data, capture_output=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == (b"done\n", b"", 3)
    assert executed(tmp_path) == data


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_half_of_a_statement_is_executed_when_we_are_ended(
    env: dict[str, str], server: Sshd, tmp_path: Path, sent: int, code: int
) -> None:
    with begun(env, server) as process:
        process.send_signal(sent)
        assert process.wait(30) == code
    assert executed(tmp_path) is None
