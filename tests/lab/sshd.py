"""A real sshd on a port of its own, with keys of its own, for as long as a test needs it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from schedgen_ops.host import Host, connect_all
from schedgen_ops.host.keys import Prompt
from schedgen_ops.settings import Settings


@dataclass
class Sshd:
    """A running server, and the client's files that belong to it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    opened: list[Host] = field(default_factory=list)

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def host(self, name: str = "app1", **options: Any) -> Host:
        """A host that reaches this server; see `hosts`."""
        return self.hosts(name, **options)[0]

    def hosts(
        self,
        *names: str,
        prompt: Prompt | None = None,
        address: str = "127.0.0.1",
        port: int | None = 0,
        user: str | None = None,
        **ssh: Any,
    ) -> tuple[Host, ...]:
        """Hosts that reach this server, with the ssh options that matter to the test."""
        options = {
            "config_file": None,
            "identity_file": str(self.key),
            "known_hosts": str(self.known_hosts),
            "agent": False,
            "connect_timeout": 3,
            **ssh,
        }
        place = {"port": self.port if port == 0 else port, "user": user or getpass.getuser()}
        if port is None:
            del place["port"], place["user"]
        entries = [{"name": name, "address": address, **place} for name in names]
        settings = Settings.model_validate(
            {"project": "p", "directory": "/srv/p", "hosts": entries, "ssh": options}
        )
        made = connect_all(settings, settings.hosts, prompt=prompt)
        self.opened += made
        return made

    def sessions(self) -> list[int]:
        """The processes that serve a connection each."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def cut(self) -> None:
        """Kill what serves the open connections, as a crash would."""
        for pid in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def keygen(file: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair."""
    # The search for larger primes takes seconds.
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", file.name, "-f", str(file)],
        check=True,
    )
    return file


@contextmanager
def sshd(folder: Path, *lines: str, listen: str = "127.0.0.1") -> Iterator[Sshd]:
    """Start a server with `lines` added to its configuration, and end it with all that it started."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.fail("openssh-server is not installed: `make test` installs it")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    keygen(folder / "id_ed25519")
    keygen(folder / "host_ed25519")
    (folder / "authorized_keys").write_text((folder / "id_ed25519.pub").read_text())
    port = free_port()
    public = (folder / "host_ed25519.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    config = (
        *lines,
        f"Port {port}",
        f"ListenAddress {listen}",
        f"HostKey {folder}/host_ed25519",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        f"PidFile {folder}/pid",
        # Not the .bashrc of whoever runs the tests; of two such lines the first counts.
        f"SetEnv HOME={folder}",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "LogLevel VERBOSE",
    )
    (folder / "sshd_config").write_text("\n".join(config) + "\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-f", f"{folder}/sshd_config", "-D", "-e"], stderr=log)
    server = Sshd(folder, port, process)
    try:
        wait_for_port(server)
        yield server
    finally:
        for host in server.opened:
            host.close()
        server.cut()
        process.terminate()
        process.wait(10)


def wait_for_port(server: Sshd) -> None:
    """Until it answers, and what served the asking is gone: it is no test's session. 5 s at most."""
    asked = False
    for _ in range(100):
        asked = asked or greets(server.port)
        if asked and not server.sessions():
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"sshd did not start:\n{server.log}")


def greets(port: int) -> bool:
    """Whether a server's greeting comes, and with it the process that serves the connection."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=3) as probe:
        return probe.recv(4) == b"SSH-"
    return False


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
