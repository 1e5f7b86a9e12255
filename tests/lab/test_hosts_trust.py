"""Pinning the keys of hosts, over a real sshd on a port of its own; ssh itself reads what was pinned."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import own_folder
from sshd import Sshd, keygen, sshd


def printed(server: Sshd) -> str:
    """The fingerprint of the server's key, by ssh-keygen."""
    words = ["ssh-keygen", "-lf", f"{server.folder}/host_ed25519.pub"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def configured(folder: Path, server: Sshd, known: Path, *names: str) -> None:
    rows = [{"name": name, "address": "127.0.0.1", "port": server.port} for name in names or ("app1",)]
    ssh = {"config_file": None, "identity_file": str(server.key), "known_hosts": str(known), "agent": False}
    (folder / "config").mkdir(exist_ok=True)
    config = {"project": "p", "directory": str(folder / "project"), "hosts": rows, "ssh": ssh}
    (folder / "config/near.yaml").write_text(json.dumps(config))


def through(folder: Path, text: str) -> None:
    """Read a file of ssh_config with that text, its known_hosts the default one."""
    file = folder / "config/near.yaml"
    config = json.loads(file.read_text())
    (folder / "ssh_config").write_text(text)
    config["ssh"] = {"config_file": str(folder / "ssh_config"), "agent": False, "connect_timeout": 3}
    file.write_text(json.dumps(config))


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    return own_folder.start(folder, *words, "--env", "near")


def ran(folder: Path, *words: str) -> tuple[int, str]:
    done = own_folder.run(folder, *words, "--env", "near")
    return done.code, done.output


def found(server: Sshd, known: Path) -> list[str]:
    """The keys that ssh-keygen finds for the server, each as its type and text."""
    words = ["ssh-keygen", "-f", str(known), "-F", f"[127.0.0.1]:{server.port}"]
    lines = subprocess.run(words, check=False, capture_output=True, text=True).stdout.splitlines()
    return [" ".join(line.split()[1:3]) for line in lines if not line.startswith("#")]


def public(key: Path) -> str:
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def test_keys_are_pinned_once_vouched_for_and_never_replaced_unasked(tmp_path: Path) -> None:
    known = tmp_path / "ssh/known_hosts"
    with sshd(tmp_path / "sshd") as server:
        configured(tmp_path, server, known)
        code, said = ran(tmp_path, "hosts.trust")
        assert (code, known.exists()) == (2, False)
        assert "--fingerprint" in said
        assert ran(tmp_path, "hosts.trust", "--fingerprint", "MD5:00")[0] == 2
        code, said = ran(tmp_path, "hosts.trust", "--fingerprint", f"SHA256:{'A' * 43}")
        assert (code, known.exists()) == (3, False)
        assert f"{printed(server)} (ED25519)" in said
        assert ran(tmp_path, "hosts.check")[0] == 8

        both = [started(tmp_path, "hosts.trust", "--fingerprint", printed(server)) for _ in range(2)]
        ends = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [0, 0], ends
        assert found(server, known) == [public(server.folder / "host_ed25519")]
        assert known.stat().st_mode & 0o777 == 0o600
        code, said = ran(tmp_path, "hosts.check")
        assert "in known_hosts" in said
        assert code == 3

        other, neighbour = public(keygen(tmp_path / "other")), public(keygen(tmp_path / "neighbour"))
        known.write_text(f"[127.0.0.1]:{server.port} {other}\n")
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
        with known.open("a") as file:
            file.write(f"app9 {neighbour}\n")
        before = known.read_bytes()
        assert b"|1|" in before
        code, said = ran(tmp_path, "hosts.trust", "--fingerprint", printed(server))
        assert (code, known.read_bytes()) == (8, before)
        assert "THE KEY OF app1 CHANGED" in said
        assert ran(tmp_path, "hosts.trust", "--replace")[0] == 2
        assert known.read_bytes() == before
        assert ran(tmp_path, "hosts.trust", "--replace", "--fingerprint", printed(server))[0] == 0
        assert found(server, known) == [public(server.folder / "host_ed25519")]
        assert f"app9 {neighbour}\n" in known.read_text()

        known.write_text(f"app9,[127.0.0.1]:{server.port} {other}\n")
        assert ran(tmp_path, "hosts.trust", "--replace", "--fingerprint", printed(server))[0] == 3
        assert known.read_text().startswith("app9,")
        known.write_text(f"@revoked * {public(server.folder / 'host_ed25519')}\n")
        code, said = ran(tmp_path, "hosts.trust", "--fingerprint", printed(server))
        assert code == 8
        assert "revoked" in said


def test_a_document_has_the_keys_of_every_host(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        configured(tmp_path, server, known := tmp_path / "known_hosts", "app1", "app2")
        out, err = started(tmp_path, "hosts.trust", "--json", "--fingerprint", printed(server)).communicate()
    key = f"{printed(server)} (ED25519)"
    first, second = (
        {"host": "app1", "key": key, "state": f"pinned in {known}"},
        {"host": "app2", "key": key, "state": "pinned already"},
    )
    assert json.loads(out)["result"] == [first, second], err


def test_a_key_that_ssh_config_names_as_revoked_is_not_pinned(tmp_path: Path) -> None:
    known, listed = tmp_path / "known_hosts", tmp_path / "revoked"
    with sshd(tmp_path / "sshd") as server:
        configured(tmp_path, server, known)
        common = f"Host *\n  UserKnownHostsFile {known}\n  RevokedHostKeys {listed}\n"
        through(tmp_path, f"{common}  IdentityFile {server.key}\n")
        for text, reason in (
            (public(server.folder / "host_ed25519"), "revoked in"),
            (None, "is revoked cannot be told"),
        ):
            listed.write_text(text) if text else listed.unlink()
            code, said = ran(tmp_path, "hosts.trust", "--fingerprint", printed(server))
            assert (code, known.exists()) == (8, False)
            assert reason in said
        listed.write_text("")
        assert ran(tmp_path, "hosts.trust", "--fingerprint", printed(server))[0] == 0


def test_the_jump_hosts_are_trusted_before_what_is_behind_them(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with sshd(tmp_path / "sshd") as server, sshd(tmp_path / "jump") as jump:
        configured(tmp_path, server, known, "app1", "app2")
        common = f"Host *\n  UserKnownHostsFile {known}\n  IdentitiesOnly yes\n"
        gate = f"Host gate\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.key}\n"
        behind = (
            f"Match host 127.0.0.1 originalhost 127.0.0.1\n  ProxyJump gate\n  IdentityFile {server.key}\n"
        )
        through(tmp_path, gate + behind + common)
        code, said = ran(tmp_path, "hosts.check")
        assert code == 8
        assert "key of gate is in no known_hosts file" in said

        code, said = ran(tmp_path, "hosts.trust", "--fingerprint", printed(server))
        assert (code, known.exists()) == (3, False)
        assert f"gate shows none of the fingerprints, but {printed(jump)} (ED25519)" in said
        both = f"{printed(jump)},{printed(server)}"
        out, err = started(tmp_path, "hosts.trust", "--json", "--fingerprint", both).communicate()
        assert [row["host"] for row in json.loads(out)["result"]] == ["gate", "app1", "app2"], err
        assert found(jump, known) == [public(jump.folder / "host_ed25519")]
        assert found(server, known) == [public(server.folder / "host_ed25519")]
        assert ran(tmp_path, "hosts.check")[0] == 3

        other = public(keygen(tmp_path / "other"))
        known.write_text(f"[127.0.0.1]:{jump.port} {other}\n[127.0.0.1]:{server.port} {other}\n")
        code, said = ran(tmp_path, "hosts.trust", "--fingerprint", both)
        assert code == 8
        assert "THE KEY OF gate CHANGED" in said
        assert "  inv hosts.trust --replace\n" in said
        assert ran(tmp_path, "hosts.trust", "--replace", "--fingerprint", both)[0] == 0
        assert ran(tmp_path, "hosts.check")[0] == 3
