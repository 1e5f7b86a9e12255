"""A connection that OpenSSH holds is used, and no keys are exchanged; else one of ours is made."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd

from schedgen_ops.host import Host, connect_all
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh

UP = sh("echo", "up")
CONFIG = """Host prod
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {key}
  UserKnownHostsFile {known_hosts}
  ControlPath {folder}/%C
"""


@dataclass
class Client:
    """Somebody with an ssh_config that names a place for connections to be shared."""

    server: Sshd
    config: Path

    def hosts(self, **ssh: Any) -> tuple[Host, ...]:
        options = {"config_file": str(self.config), "agent": False, "connect_timeout": 3, **ssh}
        data = {"project": "p", "directory": "/srv/p", "hosts": [{"name": "app1", "address": "prod"}]}
        settings = Settings.model_validate({**data, "ssh": options})
        made = connect_all(settings, settings.hosts, prompt=None)
        self.server.opened += made
        return made

    @contextmanager
    def master(self) -> Iterator[int]:
        """OpenSSH's master, its process."""
        words = ["ssh", "-F", str(self.config), "-MN", "-o", "ControlPersist=no", "prod"]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            try:
                check = ["ssh", "-F", str(self.config), "-O", "check", "prod"]
                until = time.monotonic() + 20
                while subprocess.run(check, capture_output=True, check=False).returncode:
                    assert time.monotonic() < until, "no master came up"
                    time.sleep(0.05)
                yield running.pid
            finally:
                os.kill(running.pid, signal.SIGCONT)
                running.terminate()

    @property
    def logins(self) -> int:
        return self.server.log.count("Accepted publickey")


@pytest.fixture
def client(server: Sshd) -> Iterator[Client]:
    # The path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        said = {"port": server.port, "user": getpass.getuser(), "key": server.key, "folder": folder}
        config.write_text(CONFIG.format(known_hosts=server.known_hosts, **said))
        yield Client(server, config)


def test_what_openssh_holds_is_used_by_several_at_once(client: Client, tmp_path: Path) -> None:
    with client.master():
        before = client.logins
        (host,) = client.hosts()
        assert host.run(UP, deadline=10).text == "up"
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda _: host.run(sh("seq", "20000"), deadline=30).lines(), range(16))
            assert all(len(lines) == 20_000 for lines in answers)
        host.put(b"x" * 3_000_000, str(tmp_path / "big"))
        assert (tmp_path / "big").stat().st_size == 3_000_000
        failed = host.run(sh("sh", "-c", "echo gone >&2; exit 7"), deadline=10, check=False)
        assert (failed.code, failed.stderr.strip()) == (7, "gone")
        assert client.logins == before
        host.close()
        # Whoever holds it goes on.
        (other,) = client.hosts()
        assert other.run(UP, deadline=10).text == "up"
        assert client.logins == before
    # And where it is gone, a connection is made.
    assert other.run(UP, deadline=10).text == "up"
    assert client.logins == before + 1


def test_what_was_begun_over_one_that_ends_is_lost_and_the_next_command_is_not(client: Client) -> None:
    (host,) = client.hosts()
    with client.master() as pid:
        assert host.run(UP, deadline=10).text == "up"
        os.kill(pid, signal.SIGKILL)
    assert host.run(UP, deadline=10).text == "up"


def test_one_that_is_stopped_keeps_nobody(client: Client) -> None:
    with client.master() as pid:
        before = client.logins
        os.kill(pid, signal.SIGSTOP)
        (host,) = client.hosts()
        assert host.run(UP, deadline=20).text == "up"
        assert client.logins == before + 1


@pytest.mark.parametrize("own", ["known_hosts", "identity_file", "control_master"])
def test_keys_of_the_config_are_checked_by_us(client: Client, own: str) -> None:
    said = {
        "known_hosts": str(client.server.known_hosts),
        "identity_file": str(client.server.key),
        "control_master": False,
    }
    with client.master():
        before = client.logins
        (host,) = client.hosts(**{own: said[own]})
        assert host.run(UP, deadline=10).text == "up"
        assert client.logins == before + 1


def test_what_the_config_says_as_it_is_by_itself_is_nothing_of_its_own(client: Client) -> None:
    with client.master():
        before = client.logins
        (host,) = client.hosts(known_hosts="~/.ssh/known_hosts", identity_file=None)
        assert host.run(UP, deadline=10).text == "up"
        assert client.logins == before


def test_a_file_that_lies_there_is_no_connection(client: Client) -> None:
    found = subprocess.run(
        ["ssh", "-F", str(client.config), "-G", "prod"], capture_output=True, text=True, check=True
    )
    (place,) = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("controlpath ")]
    Path(place).write_text("no socket")
    (host,) = client.hosts()
    assert host.run(UP, deadline=10).text == "up"


def test_one_without_room_for_more_sessions_is_left(client: Client) -> None:
    with client.master():
        words = ["ssh", "-F", str(client.config), "prod", "sleep 60"]
        busy = [
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(10)
        ]
        try:
            before = client.logins
            (host,) = client.hosts()
            with ThreadPoolExecutor(4) as pool:
                said = [answer.text for answer in pool.map(lambda _: host.run(UP, deadline=30), range(4))]
            assert said == ["up"] * 4
            assert client.logins >= before
        finally:
            for process in busy:
                process.terminate()
                process.wait()
